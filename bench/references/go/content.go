package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// representation is the body in one encoding, with its strong ETag (RFC 9110, section 8.8.3).
type representation struct {
	body   []byte
	length string
	etag   string
}

// content answers the list from memory.
type content struct {
	identity representation
	gzip     representation
}

func loadContent(dir string) (*content, error) {
	var etags struct{ Identity, Gzip string }
	text, err := os.ReadFile(filepath.Join(dir, "etags.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &etags); err != nil {
		return nil, fmt.Errorf("etags.json: %w", err)
	}
	identity, err := loadRepresentation(filepath.Join(dir, "body.json"), etags.Identity)
	if err != nil {
		return nil, err
	}
	gzip, err := loadRepresentation(filepath.Join(dir, "body.json.gz"), etags.Gzip)
	if err != nil {
		return nil, err
	}
	return &content{identity, gzip}, nil
}

func loadRepresentation(path, etag string) (representation, error) {
	body, err := os.ReadFile(path)
	return representation{body, strconv.Itoa(len(body)), etag}, err
}

func (c *content) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header, chosen := w.Header(), &c.identity
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		chosen = &c.gzip
	}
	header.Set("ETag", chosen.etag)
	header.Set("Vary", "Accept, Accept-Encoding")
	header.Set("Cache-Control", "private, no-cache")
	if matches(r.Header.Get("If-None-Match"), chosen.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", chosen.length)
	if chosen == &c.gzip {
		header.Set("Content-Encoding", "gzip")
	}
	_, _ = w.Write(chosen.body)
}

// acceptsGzip reports whether an Accept-Encoding field allows gzip (RFC 9110, section 12.5.3).
func acceptsGzip(field string) bool {
	for coding := range strings.SplitSeq(field, ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.TrimSpace(name) == "gzip" {
			quality, weighted := strings.CutPrefix(strings.TrimSpace(weight), "q=")
			return !weighted || strings.Trim(quality, "0.") != ""
		}
	}
	return false
}

// matches compares an If-None-Match field with an ETag, weakly (RFC 9110, section 13.1.2).
func matches(field, etag string) bool {
	if field == "" {
		return false
	}
	for candidate := range strings.SplitSeq(field, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == etag {
			return true
		}
	}
	return false
}
