package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sealsql/sealsql/internal/freeport"
)

const (
	// A client without an engine is common: only an answer counts.
	dockerAnswer = 3 * time.Second
	// Pulling an image takes most of this.
	dockerStart = 5 * time.Minute
	dockerStop  = time.Minute
)

// dockerEngine is what `docker info` said.
type dockerEngine struct {
	err     error
	compose string // path of docker-compose.yml
}

func (h *host) askDocker() *dockerEngine {
	if h.docker == nil {
		compose, err := composeFile()
		if err == nil {
			err = dockerInfo(h.ctx)
		}
		h.docker = &dockerEngine{err: err, compose: compose}
	}
	return h.docker
}

func dockerInfo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dockerAnswer)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", "info", "--format", "{{.ServerVersion}}").CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("docker not on PATH")
	}
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("docker engine not reachable (docker info: %s)", strings.TrimSpace(lines[len(lines)-1]))
	}
	return nil
}

// composeFile looks for docker-compose.yml from here upwards.
func composeFile() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		path := filepath.Join(dir, "docker-compose.yml")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no docker-compose.yml from here upwards")
		}
		dir = parent
	}
}

// container starts the engine's service under a project name of its own, so
// that neither containers that run already nor a second testenv are touched.
func (h *host) container(e engine) (server, error) {
	d := h.askDocker()
	if d.err != nil {
		return server{}, d.err
	}
	port, err := freeport.Port()
	if err != nil {
		return server{}, err
	}
	project := fmt.Sprintf("sealsql-testenv-%d-%s", os.Getpid(), e.service)
	compose := func(ctx context.Context, timeout time.Duration, args ...string) error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		cmd := exec.CommandContext(ctx, "docker", append([]string{"compose", "-p", project, "-f", d.compose}, args...)...)
		cmd.Env = append(os.Environ(), e.envPort+"="+strconv.Itoa(port))
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		return cmd.Run()
	}
	h.undo = append(h.undo, func() {
		if err := compose(context.Background(), dockerStop, "down", "--volumes"); err != nil {
			fmt.Fprintf(os.Stderr, "testenv: docker compose -p %s down: %v\n", project, err)
		}
	})
	if err := compose(h.ctx, dockerStart, "up", "--detach", "--wait", e.service); err != nil {
		return server{}, fmt.Errorf("docker compose up %s: %w", e.service, err)
	}
	dsn := e.containerDSN(port)
	if err := h.awaitReady(e, dsn, nil); err != nil {
		return server{}, fmt.Errorf("the container of docker-compose.yml does not answer: %w", err)
	}
	return server{dsn: dsn, origin: fmt.Sprintf("container %s on port %d", e.service, port)}, nil
}
