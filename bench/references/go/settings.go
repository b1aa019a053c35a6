package main

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"os"

	"github.com/golang-jwt/jwt/v5"
)

const memoSize = 10_000 // verified tokens

type settings struct {
	address    string // REFERENCE_ADDRESS, host:port
	contentDir string // REFERENCE_CONTENT_DIR, what bench/content.py has written
	keyID      string // REFERENCE_KEY_ID, the `kid` of accepted tokens
	key        *rsa.PublicKey
	issuer     string // REFERENCE_ISSUER
	audience   string // REFERENCE_AUDIENCE
	memo       bool   // REFERENCE_TOKENS is memo: remember verified tokens; verify: check each signature
}

func loadSettings() (settings, error) {
	pem, err := os.ReadFile(os.Getenv("REFERENCE_KEY_FILE"))
	if err != nil {
		return settings{}, fmt.Errorf("REFERENCE_KEY_FILE: %w", err)
	}
	key, err := jwt.ParseRSAPublicKeyFromPEM(pem)
	if err != nil {
		return settings{}, fmt.Errorf("REFERENCE_KEY_FILE: %w", err)
	}
	tokens := os.Getenv("REFERENCE_TOKENS")
	if tokens != "memo" && tokens != "verify" {
		return settings{}, errors.New("REFERENCE_TOKENS: must be memo or verify")
	}
	return settings{
		address:    os.Getenv("REFERENCE_ADDRESS"),
		contentDir: os.Getenv("REFERENCE_CONTENT_DIR"),
		keyID:      os.Getenv("REFERENCE_KEY_ID"),
		key:        key,
		issuer:     os.Getenv("REFERENCE_ISSUER"),
		audience:   os.Getenv("REFERENCE_AUDIENCE"),
		memo:       tokens == "memo",
	}, nil
}

func (s settings) verifier() verifier {
	verify := newSignatureVerifier(s)
	if s.memo {
		return newMemo(verify, memoSize)
	}
	return verify
}
