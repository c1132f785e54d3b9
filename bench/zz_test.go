package main
import ("testing";"os")
func TestZZ(t *testing.T) {
	r, err := Hooks(t.Context(), HooksOptions{Endpoints: 6000, Dead: 60, Postgres: os.Getenv("ZZPG")})
	t.Log(r, err)
}
