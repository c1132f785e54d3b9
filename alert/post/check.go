package post

import (
	"context"
	"fmt"
	"os"
)

// Check reports whether a mailer that [Open] made could send now. It sends nothing: it connects, greets and signs in
// as for a message, or makes a file in the folder and removes it.
func Check(ctx context.Context, m Mailer) error {
	switch m := m.(type) {
	case *server:
		c, err := m.dial(ctx)
		if err != nil {
			return err
		}
		c.quit()
		return nil
	case *outbox:
		f, err := os.CreateTemp(m.dir, ".new-*")
		if err != nil {
			return err
		}
		f.Close()
		return os.Remove(f.Name())
	}
	return fmt.Errorf("post: a %T cannot be tried", m)
}
