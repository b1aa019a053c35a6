//go:build tools

// Package argocd pins Argo CD.
package argocd

import _ "github.com/argoproj/argo-cd/v3/cmd"
