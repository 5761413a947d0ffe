// Command observability encrypts columns of a SQLite database in a temporary
// directory, works on it, and prints the metrics in the text form of Prometheus.
//
//	go run .
//	go run . -serve 127.0.0.1:9464
//
// With -serve it goes on working and answers GET /metrics, so that a Prometheus
// server can be pointed at it; dashboard.json shows the metrics in Grafana.
package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/sealsql/sealsql"
	_ "github.com/sealsql/sealsql/driver/sqlite"
	sealotel "github.com/sealsql/sealsql/otel"
)

const configuration = `version: 1
service: shop
product: observability
kms: {env: SEALSQL_EXAMPLE_KEY}
metastore: {sql: same}
guards: off
tables:
  orders:
    partition: {column: customer, type: text}
    columns:
      card: encrypted
      note: encrypted
`

func main() {
	serve := flag.String("serve", "", "address on which /metrics is answered; empty prints and ends")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *serve); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, serve string) (err error) {
	dir, err := os.MkdirTemp("", "sealsql")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		return err
	}
	provider := metric.NewMeterProvider(metric.WithReader(exporter))
	export, err := sealotel.Database(ctx, db, sealotel.WithMeterProvider(provider))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, export.Close()) }()

	if err := create(ctx, db); err != nil {
		return err
	}
	if serve == "" {
		if err := work(ctx, db, 0); err != nil {
			return err
		}
		return write(out, registry)
	}
	return answer(ctx, out, serve, registry, db)
}

func open(dir string) (*sql.DB, error) {
	var key [32]byte
	_, _ = rand.Read(key[:])
	if err := os.Setenv("SEALSQL_EXAMPLE_KEY", hex.EncodeToString(key[:])); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "sealsql.yaml")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		return nil, err
	}
	return sql.Open("encrypted-sqlite", "file:"+filepath.Join(dir, "app.db")+"?_pragma=busy_timeout(5000)&sealsql_config="+url.QueryEscape(file))
}

func create(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, card TEXT, note TEXT)")
	return err
}

// work writes and reads orders of three customers, sends statements that touch
// nothing encrypted, and one that is refused.
func work(ctx context.Context, db *sql.DB, round int) error {
	for i := range 300 {
		id := round*300 + i
		if _, err := db.ExecContext(ctx, "INSERT INTO orders (id, customer, card, note) VALUES (?, ?, ?, ?)",
			id, fmt.Sprintf("customer %d", id%3), "4111 1111 1111 1111", "leave it at the door"); err != nil {
			return err
		}
		var card string
		if err := db.QueryRowContext(ctx, "SELECT card FROM orders WHERE id = ?", id).Scan(&card); err != nil {
			return err
		}
	}
	if _, err := db.ExecContext(ctx, "UPDATE orders SET customer = customer WHERE id < 0"); err != nil && !errors.Is(err, sealsql.ErrRefused) {
		return err
	}
	if _, err := db.ExecContext(ctx, "DELETE FROM orders WHERE id < ?", (round-1)*300); err != nil {
		return err
	}
	rows, err := db.QueryContext(ctx, "SELECT id FROM orders ORDER BY card")
	if err == nil {
		return errors.Join(errors.New("sorting by an encrypted column was not refused"), rows.Close())
	}
	if !errors.Is(err, sealsql.ErrRefused) {
		return err
	}
	return nil
}

// write prints what is collected now.
func write(out io.Writer, from prometheus.Gatherer) error {
	families, err := from.Gather()
	if err != nil {
		return err
	}
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(out, f); err != nil {
			return err
		}
	}
	return nil
}

// answer works and serves until ctx ends.
func answer(ctx context.Context, out io.Writer, address string, from prometheus.Gatherer, db *sql.DB) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(from, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	defer server.Close()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	fmt.Fprintf(out, "http://%s/metrics\n", l.Addr())
	for round := 0; ; round++ {
		if err := work(ctx, db, round); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-time.After(time.Second):
		}
	}
}
