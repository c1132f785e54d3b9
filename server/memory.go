package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// trimEvery is how often memory is given back.
const trimEvery = 30 * time.Second

// trim gives memory back to the system until ctx ends. By itself the runtime
// keeps what a burst of requests has filled: a server without much to do
// collects garbage every other minute only, and by [garbage] it then keeps five
// times of what is in use.
func trim(ctx context.Context) {
	ticker := time.NewTicker(trimEvery)
	defer ticker.Stop()
	kept := resident()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			kept = trimAbove(kept)
		}
	}
}

// trimAbove gives memory back if there is half as much again as was kept, and
// returns what is kept. It is a collection of garbage, some milliseconds beside
// what else is done.
func trimAbove(kept uint64) uint64 {
	if resident() > kept+kept/2 {
		debug.FreeOSMemory()
		return resident()
	}
	return kept
}

// resident is how much memory the runtime has of the system.
func resident() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
