package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

const requestIDHeader = "X-Request-Id"

var (
	safeID    = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	accessLog = slog.New(slog.NewJSONHandler(os.Stdout, nil))
	durations = promauto.NewHistogramVec(prometheus.HistogramOpts{
		Name: "http_server_request_duration_seconds",
		Help: "Time to answer, in seconds",
	}, []string{"method", "route", "status"})
)

// observe gives each request an id, one line in the access log and one observation in the histogram.
func observe(route string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		id := r.Header.Get(requestIDHeader)
		if !safeID.MatchString(id) {
			id = rand.Text()
		}
		w.Header().Set(requestIDHeader, id)
		recorder := statusRecorder{w, http.StatusOK}
		next.ServeHTTP(&recorder, r)
		duration := time.Since(started)
		durations.WithLabelValues(r.Method, route, strconv.Itoa(recorder.status)).Observe(duration.Seconds())
		accessLog.LogAttrs(context.Background(), slog.LevelInfo, "request",
			slog.String("request_id", id),
			slog.String("method", r.Method),
			slog.String("route", route),
			slog.Int("status", recorder.status),
			slog.Float64("ms", float64(duration.Microseconds())/1e3),
		)
	})
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}
