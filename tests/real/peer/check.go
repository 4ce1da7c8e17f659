package main

import (
	"fmt"
	"os"
	"time"
)

// Most of their time is waiting.
const atOnce = 4

func check(paddock, dir string, only []string) int {
	fatal(os.MkdirAll(dir, 0o755))
	logDir = dir
	r := &rig{paddock: paddock, dir: dir}
	var err error
	r.server, r.client, err = makeCertificate(dir)
	fatal(err)
	r.target, err = startTarget()
	fatal(err)
	checks := []struct {
		name string
		run  func() error
	}{
		{"serve-traffic", func() error { return r.serveTraffic(false) }},
		{"serve-traffic-tls", func() error { return r.serveTraffic(true) }},
		{"serve-refusals", r.serveRefusals},
		{"serve-slow-sides", r.serveSlow},
		{"serve-wire", r.serveWire},
		{"serve-old-agent", r.serveOld},
		{"serve-kill", r.serveKill},
		{"connect-traffic", func() error { return r.connectTraffic(false) }},
		{"connect-traffic-tls", func() error { return r.connectTraffic(true) }},
		{"connect-refusals", r.connectRefusals},
		{"connect-slow-sides", r.connectSlow},
		{"connect-count", r.connectCount},
		{"connect-kill", r.connectKill},
		{"doctor", r.doctor},
	}
	type result struct {
		name string
		took time.Duration
		err  error
	}
	results, places, running := make(chan result, len(checks)), make(chan bool, atOnce), 0
	for _, one := range checks {
		wanted := len(only) == 0
		for _, name := range only {
			wanted = wanted || name == one.name
		}
		if !wanted {
			continue
		}
		running++
		name, run := one.name, one.run
		go func() {
			places <- true
			from := time.Now()
			err := run()
			<-places
			results <- result{name, time.Since(from), err}
		}()
	}
	passed, failed := 0, 0
	for ; running > 0; running-- {
		if done := <-results; done.err != nil {
			failed++
			fmt.Printf("FAIL %s: %v\n", done.name, done.err)
		} else {
			passed++
			fmt.Printf("ok %s (%.1f s)\n", done.name, done.took.Seconds())
		}
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return 1
	}
	return 0
}
