package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sealsql/sealsql/internal/testenv"
)

// With -newest the servers are the newest PostgreSQL and MySQL itself, which
// stable distributions of Debian do not have. As root on Debian they come from
// its unstable suite, installed into a directory of its own, from the mirror
// that apt-get uses here; they run there, in a chroot.

// newestPostgres is the least major version that counts as new.
const newestPostgres = 18

// newestTree is where the suite is kept, relative to the working directory;
// make clean removes it.
const newestTree = ".build/newest"

// newestSuite is Debian's name of it, newestPackages what is installed.
const (
	newestSuite    = "sid"
	newestPackages = "postgresql,mysql-server-core"
)

func newestEngines(h *host) []engine {
	pg, my := postgres(), mysql()
	pg.packages, my.packages = []string{"postgresql-" + strconv.Itoa(newestPostgres)}, []string{"mysql-server-core"}
	pg.accept, my.accept = acceptPostgres, acceptMySQL
	pg.find = func() (programs, error) { return h.findNewest(findPostgres, isNewestPostgres, treePostgres) }
	my.find = func() (programs, error) { return h.findNewest(findMySQL, isMySQL, treeMySQL) }
	pg.obtain, my.obtain = h.ensureTree, h.ensureTree
	return []engine{pg, my}
}

// findNewest looks at the programs installed here and then in the tree.
func (h *host) findNewest(here func() (programs, error), fits func(programs) bool, tree func(string) (programs, error)) (programs, error) {
	p, err := here()
	if err == nil && fits(p) {
		return p, nil
	}
	if err == nil {
		err = fmt.Errorf("%s is not new enough", p.serve)
	}
	dir, treeErr := filepath.Abs(newestTree)
	if treeErr != nil {
		return programs{}, treeErr
	}
	p, treeErr = tree(dir)
	if treeErr != nil {
		return programs{}, fmt.Errorf("%w; nothing in %s", err, newestTree)
	}
	if os.Geteuid() != 0 {
		return programs{}, fmt.Errorf("%w; not root, so no chroot into %s", err, newestTree)
	}
	p.tree = dir
	return p, nil
}

// treePostgres and treeMySQL return paths as seen inside.
func treePostgres(dir string) (programs, error) {
	for _, bin := range newestFirst(filepath.Join(dir, "usr/lib/postgresql/*/bin")) {
		if p := postgresIn(bin); executable(p.initialise) && executable(p.serve) {
			return postgresIn(strings.TrimPrefix(bin, dir)), nil
		}
	}
	return programs{}, errors.New("no PostgreSQL")
}

func treeMySQL(dir string) (programs, error) {
	const serve = "/usr/sbin/mysqld"
	if !executable(filepath.Join(dir, serve)) {
		return programs{}, errors.New("no MySQL")
	}
	return programs{initialise: serve, serve: serve}, nil
}

// isNewestPostgres and isMySQL ask the programs: Debian's mysqld may be
// MariaDB's.
func isNewestPostgres(p programs) bool {
	// postgres (PostgreSQL) 18.1 (Debian 18.1-1)
	_, number, _ := strings.Cut(saysItsVersion(p), "(PostgreSQL) ")
	return version(number) >= newestPostgres
}

func isMySQL(p programs) bool {
	text := saysItsVersion(p)
	return strings.Contains(text, " Ver ") && !strings.Contains(text, "MariaDB")
}

func saysItsVersion(p programs) string {
	out, err := exec.Command(p.serve, "--version").Output()
	if err != nil {
		return ""
	}
	return string(out)
}

// acceptPostgres and acceptMySQL look at a server that answers: what a variable
// of the environment names may be another one.
func acceptPostgres(ctx context.Context, db *sql.DB) (string, error) {
	var text string
	if err := db.QueryRowContext(ctx, "SHOW server_version").Scan(&text); err != nil {
		return "", err
	}
	if version(text) < newestPostgres {
		return "", fmt.Errorf("it is PostgreSQL %s, not %d or later", text, newestPostgres)
	}
	return text, nil
}

func acceptMySQL(ctx context.Context, db *sql.DB) (string, error) {
	var text string
	if err := db.QueryRowContext(ctx, "SELECT version()").Scan(&text); err != nil {
		return "", err
	}
	if strings.Contains(text, "MariaDB") {
		return "", fmt.Errorf("it is %s, not MySQL", text)
	}
	return text, nil
}

// ensureTree installs the suite, or says why it cannot.
func (h *host) ensureTree(...string) error {
	release, err := os.ReadFile("/etc/os-release")
	if err != nil || os.Geteuid() != 0 {
		return errors.New("not root, so no debootstrap")
	}
	codename, ok := debianCodename(string(release))
	if !ok {
		return errors.New("not Debian, so no debootstrap of its unstable suite")
	}
	if !lookable("debootstrap") {
		if err := h.install("debootstrap"); err != nil {
			return err
		}
	}
	mirror, err := h.mirror(codename)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(newestTree)
	if err != nil {
		return err
	}
	return h.debootstrap(dir, mirror)
}

// debianCodename reads os-release(5): descendants of Debian have mirrors of
// their own, without its unstable suite.
func debianCodename(release string) (codename string, ok bool) {
	for line := range strings.Lines(release) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch value = strings.Trim(value, `"'`); key {
		case "ID":
			ok = value == "debian"
		case "VERSION_CODENAME":
			codename = value
		}
	}
	return codename, ok && codename != ""
}

// mirror is where apt-get takes this machine's own packages from.
func (h *host) mirror(codename string) (string, error) {
	out, err := exec.CommandContext(h.ctx, "apt-get", "indextargets", "--format", "$(REPO_URI)",
		"Created-By: Packages", "Codename: "+codename, "Component: main").Output()
	first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || first == "" {
		return "", fmt.Errorf("apt-get knows no mirror of %s", codename)
	}
	return first, nil
}

// debootstrapTime bounds the download of 200 MB and their installation.
const debootstrapTime = 30 * time.Minute

// debootstrap installs beside the place and moves the whole there, so that a run
// that was interrupted leaves nothing that looks complete.
func (h *host) debootstrap(dir, mirror string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "newest-")
	if err != nil {
		return err
	}
	h.undo = append(h.undo, func() { removeTree(tmp) })
	fmt.Fprintf(os.Stderr, "testenv: installing Debian's %s suite into %s: 1 GB, some minutes\n", newestSuite, newestTree)
	ctx, cancel := context.WithTimeout(h.ctx, debootstrapTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "debootstrap", "--variant=minbase", "--include="+newestPackages, newestSuite, tmp, mirror)
	ownGroup(cmd)
	cmd.Cancel = func() error { killGroup(cmd.Process); return nil }
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("debootstrap %s: %w\n%s", newestSuite, err, lastLines(out, 20))
	}
	// The servers run there as somebody else.
	for _, shared := range []string{"tmp", "dev/shm"} {
		path := filepath.Join(tmp, shared)
		if err := errors.Join(os.MkdirAll(path, 0o755), os.Chmod(path, 0o777|os.ModeSticky)); err != nil {
			return err
		}
	}
	// Packages that were downloaded are of no use any more.
	_ = os.RemoveAll(filepath.Join(tmp, "var/cache/apt/archives"))
	return errors.Join(os.Chmod(tmp, 0o755), os.Rename(tmp, dir))
}

// removeTree removes a tree that a killed debootstrap may have left with file
// systems mounted in it.
func removeTree(dir string) {
	for _, mounted := range []string{"proc", "sys", "dev/pts", "dev"} {
		_ = exec.Command("umount", filepath.Join(dir, mounted)).Run()
	}
	if err := exec.Command("rm", "-rf", "--one-file-system", dir).Run(); err != nil {
		fmt.Fprintf(os.Stderr, "testenv: remove %s: %v\n", dir, err)
	}
}

func lastLines(out []byte, n int) []byte {
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-n):], []byte("\n"))
}

func mysql() engine {
	return engine{
		name: "MySQL", envDSN: testenv.EnvMySQLDSN, envDataDir: testenv.EnvMySQLDataDir,
		driver: "mysql", service: "mysql", packages: []string{"mysql-server-core"},
		find: findMySQL, start: (*host).startMySQL, envPort: "SEALSQL_MYSQL_PORT",
		containerDSN: func(port int) string {
			return fmt.Sprintf("root:sealsql@tcp(127.0.0.1:%d)/", port)
		},
	}
}

func findMySQL() (programs, error) {
	serve, ok := lookAlso("mysqld", "/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/opt/homebrew/opt/mysql/bin", "/usr/local/mysql/bin")
	if !ok {
		return programs{}, errors.New("mysqld not on PATH, /usr/sbin")
	}
	return programs{initialise: serve, serve: serve}, nil
}

// startMySQL makes a data directory and starts the server. Its administrator's
// password is set before the port is open, by the init file; the plug-in that
// checks it is the server's default, caching_sha2_password.
func (h *host) startMySQL(p programs) (server, error) {
	i, err := h.newInstance("my", p)
	if err != nil {
		return server{}, err
	}
	data := filepath.Join(i.dir, "data")
	if err := i.initialise(p.initialise, "--no-defaults", "--initialize-insecure", "--datadir="+i.seen(data)); err != nil {
		return server{}, err
	}
	init, err := i.write("init.sql", fmt.Sprintf(`ALTER USER root@localhost IDENTIFIED BY '%[1]s';
CREATE USER root@'127.0.0.1' IDENTIFIED BY '%[1]s';
GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;
`, i.password))
	if err != nil {
		return server{}, err
	}
	dir := i.seen(i.dir)
	dsn := fmt.Sprintf("root:%s@tcp(127.0.0.1:%d)/", i.password, i.port)
	if err := i.serve(mysql(), dsn, syscall.SIGTERM, p.serve,
		"--no-defaults", "--datadir="+i.seen(data), "--tmpdir="+dir, "--init-file="+i.seen(init),
		"--socket="+filepath.Join(dir, "socket"), "--pid-file="+filepath.Join(dir, "pid"),
		"--bind-address=127.0.0.1", fmt.Sprintf("--port=%d", i.port), "--skip-name-resolve", "--mysqlx=OFF", "--secure-file-priv=NULL", "--local-infile=ON",
		"--max-connections=300", "--default-time-zone=+00:00",
		"--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=OFF", "--skip-log-bin",
	); err != nil {
		return server{}, err
	}
	return server{dsn: dsn, dataDir: data, origin: fmt.Sprintf("private instance of %s on port %d", p.serve, i.port)}, nil
}
