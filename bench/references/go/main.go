// Command reference serves one cached list to holders of a token: the reference implementation in Go that `make bench`
// compares the service with. Its settings are environment variables, listed in settings.go.
package main

import (
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func main() {
	if err := run(); err != nil {
		slog.Error("reference", "error", err)
		os.Exit(1)
	}
}

func run() error {
	settings, err := loadSettings()
	if err != nil {
		return err
	}
	content, err := loadContent(settings.contentDir)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.Handler())
	mux.Handle("GET /fetch/resource", observe("/fetch/resource", requireToken(settings.verifier(), content)))
	server := &http.Server{
		Addr:              settings.address,
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       75 * time.Second,
		MaxHeaderBytes:    8 << 10,
	}
	return server.ListenAndServe()
}
