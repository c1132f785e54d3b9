package database

import (
	"cmp"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Name names the database of a URL in messages: without its password, and with what the URL leaves out, such as the
// whole path of a file, or what PostgreSQL's own variables (PGHOST, …) say.
func Name(rawURL string) string {
	if path, ok := strings.CutPrefix(rawURL, "sqlite:"); ok {
		if whole, err := filepath.Abs(path); err == nil {
			path = whole
		}
		return "sqlite:" + path
	}
	config, err := pgx.ParseConfig(rawURL)
	if err != nil {
		return "a PostgreSQL database whose URL cannot be read"
	}
	name := url.URL{Scheme: "postgres", User: url.User(config.User), Path: "/" + cmp.Or(config.Database, config.User)}
	query := make(url.Values)
	var hosts []string
	add := func(host string, port uint16) {
		if strings.HasPrefix(host, "/") { // the folder of a socket
			query.Set("host", host)
		} else if at := net.JoinHostPort(host, strconv.Itoa(int(port))); !slices.Contains(hosts, at) {
			hosts = append(hosts, at)
		}
	}
	add(config.Host, config.Port)
	for _, other := range config.Fallbacks {
		add(other.Host, other.Port)
	}
	if schema := config.RuntimeParams["search_path"]; schema != "" {
		query.Set("search_path", schema)
	}
	name.Host, name.RawQuery = strings.Join(hosts, ","), query.Encode()
	return name.String()
}
