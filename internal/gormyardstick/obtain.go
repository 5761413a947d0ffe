package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// GORM's tests are no part of its module. Debian's package of its sources has
// them, in the suite unstable: obtain takes it from there, with an apt of its own
// that leaves the machine's alone.

const (
	suitePackage = "golang-gorm-gorm-dev"
	suiteFolder  = "usr/share/gocode/src/gorm.io/gorm"
	notObtained  = "GORM's tests were not obtained (%w): pass a checkout of gorm with its folder tests, make gorm-yardstick GORM_SRC=DIR"
)

// obtain returns the folder of gorm's sources with its tests. What it fetched
// once stays in keep.
func obtain(keep string) (string, error) {
	src := filepath.Join(keep, suiteFolder)
	if hasTests(src) {
		return src, nil
	}
	fmt.Println("obtaining", suitePackage, "from Debian unstable")
	if err := fetch(keep); err != nil {
		return "", fmt.Errorf(notObtained, err)
	}
	if !hasTests(src) {
		return "", fmt.Errorf(notObtained, errors.New("the package has none"))
	}
	return src, nil
}

func hasTests(src string) bool {
	_, err := os.Stat(filepath.Join(src, "tests", "go.mod"))
	return err == nil
}

func fetch(keep string) error {
	for _, tool := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return err
		}
	}
	archive, err := archiveOf("/etc/apt")
	if err != nil {
		return err
	}
	apt := filepath.Join(keep, "apt")
	defer os.RemoveAll(apt)
	for _, dir := range []string{"lists/partial", "cache/archives/partial", "package"} {
		if err := os.MkdirAll(filepath.Join(apt, dir), 0o755); err != nil {
			return err
		}
	}
	sources := filepath.Join(apt, "unstable.sources")
	if err := os.WriteFile(sources, []byte(archive.unstable()), 0o644); err != nil {
		return err
	}
	options := []string{
		"-q", "-o", "Dir::Etc::sourcelist=" + sources, "-o", "Dir::Etc::sourceparts=-", "-o", "Dir::State::lists=" + filepath.Join(apt, "lists"),
		"-o", "Dir::Cache=" + filepath.Join(apt, "cache"), "-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none", "-o", "APT::Update::Post-Invoke-Success=",
	}
	into := filepath.Join(apt, "package")
	for _, args := range [][]string{{"update"}, {"download", suitePackage}} {
		if err := run(into, "apt-get", append(slices.Clone(options), args...)...); err != nil {
			return err
		}
	}
	files, err := filepath.Glob(filepath.Join(into, suitePackage+"_*.deb"))
	if err != nil || len(files) != 1 {
		return errors.New("apt-get downloaded no package")
	}
	return run(into, "dpkg-deb", "-x", files[0], keep)
}

func run(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// archive is where a machine takes Debian from.
type archive struct{ uri, signedBy string }

// unstable is a source of the suite with the tests.
func (a archive) unstable() string {
	text := "Types: deb\nURIs: " + a.uri + "\nSuites: unstable\nComponents: main\n"
	if a.signedBy != "" {
		text += "Signed-By: " + a.signedBy + "\n"
	}
	return text
}

// archiveOf reads the machine's own sources: the first entry of Debian's main
// archive.
func archiveOf(etc string) (archive, error) {
	files, _ := filepath.Glob(filepath.Join(etc, "sources.list.d", "*"))
	for _, f := range append([]string{filepath.Join(etc, "sources.list")}, files...) {
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		var a archive
		switch filepath.Ext(f) {
		case ".list":
			a = oneLine(string(text))
		case ".sources":
			a = stanza(string(text))
		}
		if a.uri != "" {
			return a, nil
		}
	}
	return archive{}, errors.New("the machine's package sources have no archive of Debian")
}

// isMain tells the main archive from others by its path, which is the same on
// every mirror.
func isMain(uri string) bool { return strings.HasSuffix(strings.TrimSuffix(uri, "/"), "/debian") }

// oneLine reads "deb [signed-by=FILE] URI SUITE COMPONENT…".
func oneLine(text string) archive {
	for _, line := range strings.Split(text, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "deb" {
			continue
		}
		var a archive
		for _, f := range fields[1:] {
			f = strings.Trim(f, "[]")
			if key, is := strings.CutPrefix(f, "signed-by="); is {
				a.signedBy = key
			}
			if isMain(f) {
				a.uri = f
				return a
			}
		}
	}
	return archive{}
}

// stanza reads deb822 sources.
func stanza(text string) archive {
	for _, part := range strings.Split(text, "\n\n") {
		var a archive
		for _, line := range strings.Split(part, "\n") {
			key, value, _ := strings.Cut(line, ":")
			switch strings.ToLower(key) {
			case "uris":
				for _, uri := range strings.Fields(value) {
					if isMain(uri) {
						a.uri = uri
					}
				}
			case "signed-by":
				a.signedBy = strings.TrimSpace(value)
			case "enabled":
				if strings.TrimSpace(value) == "no" {
					a.uri = ""
				}
			}
		}
		if a.uri != "" {
			return a
		}
	}
	return archive{}
}
