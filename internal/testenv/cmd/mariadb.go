package main

import (
	"fmt"
	"path/filepath"
	"syscall"
)

// startMariaDB makes a data directory and starts the server with utf8mb4:
// Debian's default is latin1. Its administrator's password is set before the
// port is open, by the init file.
func (h *host) startMariaDB(p programs) (server, error) {
	i, err := h.newInstance("my", p)
	if err != nil {
		return server{}, err
	}
	data := filepath.Join(i.dir, "data")
	if err := i.initialise(p.initialise, "--no-defaults", "--datadir="+data,
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"); err != nil {
		return server{}, err
	}
	init, err := i.write("init.sql", fmt.Sprintf(`DELETE FROM mysql.global_priv WHERE User IN ('', 'root');
FLUSH PRIVILEGES;
CREATE USER root@'127.0.0.1' IDENTIFIED BY '%[1]s';
GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;
`, i.password))
	if err != nil {
		return server{}, err
	}
	dsn := fmt.Sprintf("root:%s@tcp(127.0.0.1:%d)/", i.password, i.port)
	if err := i.serve(mariadb(), dsn, syscall.SIGTERM, p.serve,
		"--no-defaults", "--datadir="+data, "--tmpdir="+i.dir, "--init-file="+init,
		"--socket="+filepath.Join(i.dir, "socket"), "--pid-file="+filepath.Join(i.dir, "pid"),
		"--bind-address=127.0.0.1", fmt.Sprintf("--port=%d", i.port), "--skip-name-resolve",
		"--character-set-server=utf8mb4", "--max-connections=300", "--default-time-zone=+00:00",
		"--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=OFF", "--skip-log-bin",
	); err != nil {
		return server{}, err
	}
	return server{dsn: dsn, dataDir: data, origin: fmt.Sprintf("private instance of %s on port %d", p.serve, i.port)}, nil
}
