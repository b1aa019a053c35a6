package main

import (
	"errors"
	"sync"
	"time"
)

var errExpired = errors.New("expired")

// memo remembers the expiry of verified tokens, so that a signature is verified once. The expiry is checked each time.
type memo struct {
	next verifier
	size int
	now  func() time.Time

	mutex  sync.RWMutex
	expiry map[string]time.Time
}

func newMemo(next verifier, size int) *memo {
	return &memo{next: next, size: size, now: time.Now, expiry: make(map[string]time.Time)}
}

func (m *memo) verify(token string) (time.Time, error) {
	m.mutex.RLock()
	expiry, known := m.expiry[token]
	m.mutex.RUnlock()
	if !known {
		return m.add(token)
	}
	if m.now().After(expiry.Add(leeway)) {
		m.remove(token)
		return time.Time{}, errExpired
	}
	return expiry, nil
}

func (m *memo) add(token string) (time.Time, error) {
	expiry, err := m.next.verify(token)
	if err != nil {
		return time.Time{}, err
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for other := range m.expiry { // Go iterates in random order
		if len(m.expiry) < m.size {
			break
		}
		delete(m.expiry, other)
	}
	m.expiry[token] = expiry
	return expiry, nil
}

func (m *memo) remove(token string) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	delete(m.expiry, token)
}
