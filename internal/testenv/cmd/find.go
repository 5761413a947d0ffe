package main

import (
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// programs are the absolute paths of a server's two programs.
type programs struct {
	initialise string // makes a data directory
	serve      string
	// tree is the root of the system in which they are, "" for this one.
	tree string
}

// postgresIn names PostgreSQL's programs in a directory.
func postgresIn(dir string) programs {
	return programs{initialise: filepath.Join(dir, "initdb"), serve: filepath.Join(dir, "postgres")}
}

// findPostgres looks on PATH, then in Debian's versioned directories (highest
// version first), then where Homebrew and the project's own packages install.
// Both programs must come from one directory: versions do not mix.
func findPostgres() (programs, error) {
	var dirs []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
	} {
		dirs = append(dirs, newestFirst(pattern)...)
	}
	for _, dir := range dirs {
		p := postgresIn(dir)
		if executable(p.initialise) && executable(p.serve) {
			return p, nil
		}
	}
	return programs{}, errors.New("initdb and postgres not on PATH, /usr/lib/postgresql/*/bin")
}

func findMariaDB() (programs, error) {
	serve, ok := lookAlso("mariadbd", "/usr/sbin", "/usr/local/sbin", "/usr/libexec")
	if !ok {
		return programs{}, errors.New("mariadbd not on PATH, /usr/sbin")
	}
	initialise, ok := lookAlso("mariadb-install-db", "/usr/bin", "/usr/local/bin")
	if !ok {
		return programs{}, errors.New("mariadb-install-db not on PATH, /usr/bin")
	}
	return programs{initialise: initialise, serve: serve}, nil
}

// lookAlso looks on PATH and then in dirs: an ordinary user's PATH has no sbin.
func lookAlso(name string, dirs ...string) (string, bool) {
	if path, err := exec.LookPath(name); err == nil {
		return path, true
	}
	for _, dir := range dirs {
		if path := filepath.Join(dir, name); executable(path) {
			return path, true
		}
	}
	return "", false
}

func executable(path string) bool {
	_, err := exec.LookPath(path) // with a slash it looks at that file alone
	return err == nil
}

// newestFirst expands a pattern and sorts by the number in it: 9 comes after 15.
func newestFirst(pattern string) []string {
	dirs, err := filepath.Glob(pattern)
	if err != nil {
		return nil
	}
	slices.SortStableFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	return dirs
}

// version is the first number in a path, 0 if there is none.
func version(path string) int {
	start := -1
	for i, r := range path + "/" {
		digit := '0' <= r && r <= '9'
		switch {
		case digit && start < 0:
			start = i
		case !digit && start >= 0:
			n, err := strconv.Atoi(path[start:i])
			if err != nil {
				return 0
			}
			return n
		}
	}
	return 0
}
