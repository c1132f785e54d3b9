package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"vigie/store"
)

// quarantine are the commands about what could not be processed.
type quarantine struct {
	List  quarantineList  `cmd:"" default:"withargs" help:"Print the items that were set aside, oldest first."`
	Retry quarantineRetry `cmd:"" help:"Have the running server retry items that were set aside."`
}

// quarantineList prints what is set aside.
type quarantineList struct {
	databaseSettings
	JSON bool `name:"json" help:"Print JSON, one object per line."`
}

// asideLine is an item that is set aside, as it is printed.
type asideLine struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Tries   int64     `json:"tries"`
	FirstAt time.Time `json:"firstAt"`
	LastAt  time.Time `json:"lastAt"`
	Retry   bool      `json:"retry"` // it is to be tried again
	Error   string    `json:"error"`
}

// Run runs the command.
func (c *quarantineList) Run(ctx context.Context, p *process) error {
	s, err := c.open(ctx, p)
	if err != nil {
		return err
	}
	defer s.Close()
	rows, err := s.Database().Quarantine(ctx)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		fmt.Fprintln(p.err, "vigie: nothing is set aside")
	}
	lines := json.NewEncoder(p.out)
	lines.SetEscapeHTML(false)
	for _, row := range rows {
		line := asideLine{itemID(row.Consumer, row.Item), row.Kind, row.Tries, row.FirstAt, row.LastAt, row.Retry, row.Error}
		if c.JSON {
			err = lines.Encode(line)
		} else {
			again := ""
			if line.Retry {
				again = " (to be tried again)"
			}
			_, err = fmt.Fprintf(p.out, "%s\t%s\tsince %s\t%s, last %s%s\t%s\n", line.ID, line.Kind,
				line.FirstAt.Format(time.RFC3339), count(int(line.Tries), "try", "tries"), line.LastAt.Format(time.RFC3339), again, strings.Join(strings.Fields(line.Error), " "))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// quarantineRetry has what is set aside tried again.
type quarantineRetry struct {
	databaseSettings
	ID []string `arg:"" optional:"" help:"The items to retry, as \"vigie quarantine\" prints them; by default all."`
}

// Run runs the command.
func (c *quarantineRetry) Run(ctx context.Context, p *process) error {
	var items []store.ItemRef
	for _, id := range c.ID {
		item, err := itemOf(id)
		if err != nil {
			return exit{misused, err}
		}
		items = append(items, item)
	}
	s, err := c.open(ctx, p)
	if err != nil {
		return err
	}
	defer s.Close()
	n, err := s.Retry(ctx, items)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s will be retried by the running server.\n", count(n, "item", "items"))
	if n < len(items) {
		return errors.New("the other ids are not set aside: \"vigie quarantine\" lists those that are")
	}
	return nil
}

// itemID names an item that is set aside to operators.
func itemID(consumer string, item int64) string { return consumer + "/" + strconv.FormatInt(item, 10) }

// itemOf is the item of such a name.
func itemOf(id string) (store.ItemRef, error) {
	end := max(0, strings.LastIndex(id, "/")) // a consumer's name may have a search node's path
	item, err := strconv.ParseInt(strings.TrimPrefix(id[end:], "/"), 10, 64)
	if err != nil || end == 0 {
		return store.ItemRef{}, fmt.Errorf("%q is not the id of an item: ids look like alerts/123", id)
	}
	return store.ItemRef{Consumer: id[:end], Item: item}, nil
}
