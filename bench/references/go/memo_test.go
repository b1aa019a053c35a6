package main

import (
	"fmt"
	"testing"
	"time"
)

// countingVerifier accepts each token until the same expiry, and counts.
type countingVerifier struct {
	calls  int
	expiry time.Time
}

func (v *countingVerifier) verify(string) (time.Time, error) {
	v.calls++
	return v.expiry, nil
}

func TestASignatureIsVerifiedOnce(t *testing.T) {
	next := &countingVerifier{expiry: time.Now().Add(time.Hour)}
	memo := newMemo(next, 10)
	for range 3 {
		if _, err := memo.verify("token"); err != nil {
			t.Fatal(err)
		}
	}
	if next.calls != 1 {
		t.Errorf("verified %d times", next.calls)
	}
}

func TestAKnownTokenIsRefusedOnceItHasExpired(t *testing.T) {
	now := time.Now()
	memo := newMemo(&countingVerifier{expiry: now}, 10)
	if _, err := memo.verify("token"); err != nil {
		t.Fatal(err)
	}
	memo.now = func() time.Time { return now.Add(leeway + time.Second) }
	if _, err := memo.verify("token"); err == nil {
		t.Error("accepted after its expiry")
	}
}

func TestItRemembersNoMoreThanItsSize(t *testing.T) {
	memo := newMemo(&countingVerifier{expiry: time.Now().Add(time.Hour)}, 10)
	for number := range 100 {
		if _, err := memo.verify(fmt.Sprint(number)); err != nil {
			t.Fatal(err)
		}
	}
	if len(memo.expiry) != 10 {
		t.Errorf("remembers %d tokens", len(memo.expiry))
	}
}
