package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"vigie/store/storetest"
)

// diskTest names the variable that makes a process the server of the disk test.
const diskTest = "VIGIE_TEST_DISK"

// What the parent says to that server about its disk.
const (
	diskFull = "full"
	diskRoom = "room"
)

// While the disk is full, what must be stored is refused and the rest answered;
// once there is room again all goes on, without a restart.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	if os.Getenv(diskTest) != "" {
		serveOnSmallDisk(t)
		return
	}
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			database, box := open(t), t.TempDir()
			server := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDiskFull$")
			server.Env = append(os.Environ(), diskTest+"=1", "VIGIE_DATABASE_URL="+database, "VIGIE_DATA="+t.TempDir(),
				"VIGIE_SECRET="+testSecret, "VIGIE_LISTEN=127.0.0.1:0", "VIGIE_PRIVATE_LISTEN=127.0.0.1:0", "VIGIE_MAX_TIME=2s",
				"VIGIE_MAIL_URL=outbox:"+box, "VIGIE_MAIL_FROM=veille@vigie.example", "VIGIE_MAIL_SPACING=50ms", "VIGIE_PUBLIC_URL=https://vigie.example")
			c := &command{ended: make(chan struct{})}
			server.Stdout, server.Stderr = &c.out, &c.err
			orders, err := server.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			go func() {
				defer close(c.ended)
				_ = server.Wait() // the status says it
				c.status = server.ProcessState.ExitCode()
			}()
			defer func() {
				_ = server.Process.Kill()
				<-c.ended
				if t.Failed() {
					t.Log(c.err.String())
				}
			}()
			turn := 0
			disk := func(order string) {
				t.Helper()
				turn++
				fmt.Fprintln(orders, order, turn)
				c.said(t, fmt.Sprintf("disk (%s) %d", order, turn))
			}

			s := newSurvivor(t, c)
			ready(t, s.base)
			s.publish()
			s.finds()
			s.mailed(box)
			for range 2 {
				disk(diskFull)
				if kind == "sqlite" {
					for _, change := range []string{
						`mutation { createWatch(input: { name: "Ponts", criteria: { keywords: ["pont"] } }) { watch { id } userErrors { message } } }`,
						publication(s.published + 1),
					} {
						if a := ask(t, s.base, s.token, change, nil); a.code() != "UNAVAILABLE" {
							t.Errorf("%s: %+v", change, a)
						}
					}
					s.finds()
				} else { // the database is elsewhere: the index alone stands still
					s.publish()
					c.said(t, `(consumer failed)`)
				}
				a := ask(t, s.base, s.token, `{ viewer { email } watches { nodes { name } } matchingTenders { nodes { title } } tenders(search: "voirie") { totalCount } }`, nil)
				if got := fmt.Sprint(a.Data); len(a.Errors) > 0 {
					t.Errorf("%s %+v", got, a.Errors)
				}
				if status, _ := get(t, s.base+"/healthz"); status != 200 {
					t.Errorf("/healthz answers %d", status)
				}
				disk(diskRoom)
				s.publish()
				s.finds()
				s.mailed(box)
			}
			if err := server.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			select {
			case <-c.ended:
			case <-time.After(30 * time.Second):
				t.Fatal("it does not stop")
			}
			if c.status != 0 {
				t.Errorf("status %d: %s", c.status, c.err.String())
			}
		})
	}
}

// serveOnSmallDisk is the server, in a process of its own that can write to no
// file while its disk is full.
func serveOnSmallDisk(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ) // a full disk sends none
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			now := limit
			order, turn := "", 0
			if _, err := fmt.Sscan(lines.Text(), &order, &turn); err != nil {
				panic(err)
			}
			if order == diskFull {
				now.Cur = 1
			}
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &now); err != nil {
				panic(err)
			}
			fmt.Printf("disk %s %d\n", order, turn)
		}
	}()
	ctx, stop := signal.NotifyContext(t.Context(), syscall.SIGTERM)
	defer stop()
	p := &process{in: nil, out: os.Stdout, err: os.Stderr, env: os.LookupEnv, now: time.Now}
	os.Exit(p.run(ctx, []string{"serve"}))
}
