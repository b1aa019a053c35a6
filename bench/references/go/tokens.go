package main

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const leeway = 5 * time.Second // of clocks, as in the service

// A verifier returns the expiry of a valid token.
type verifier interface {
	verify(token string) (time.Time, error)
}

// signatureVerifier verifies the RS256 signature and the claims of each token (RFC 7519).
type signatureVerifier struct {
	parser *jwt.Parser
	key    jwt.Keyfunc
}

func newSignatureVerifier(s settings) signatureVerifier {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256"}),
		jwt.WithIssuer(s.issuer),
		jwt.WithAudience(s.audience),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(leeway),
	)
	find := func(token *jwt.Token) (any, error) {
		if token.Header["kid"] != s.keyID {
			return nil, errors.New("unknown key")
		}
		return s.key, nil
	}
	return signatureVerifier{parser, find}
}

func (v signatureVerifier) verify(token string) (time.Time, error) {
	claims := jwt.RegisteredClaims{}
	if _, err := v.parser.ParseWithClaims(token, &claims, v.key); err != nil {
		return time.Time{}, err
	}
	return claims.ExpiresAt.Time, nil
}

// requireToken answers 401 to requests without a valid bearer token (RFC 6750).
func requireToken(tokens verifier, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !found {
			refuse(w)
			return
		}
		if _, err := tokens.verify(token); err != nil {
			refuse(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func refuse(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("WWW-Authenticate", "Bearer")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte(`{"success":false,"status":401,"msg":"no valid token","data":null}`))
}
