// This example runs GORM on an encrypted SQLite database, with nothing else
// installed:
//
//	CGO_ENABLED=0 go run .
//
// The models are as for a plain database. AutoMigrate makes the tables in their
// physical form; values are sealed and opened on the way. The last part shows
// what the database holds, and a query that is refused.
package main

import (
	"database/sql"
	"errors"
	"fmt"
	"log"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
	_ "modernc.org/sqlite" // the plain driver "sqlite", to look at what is stored

	"github.com/sealsql/sealsql"
	_ "github.com/sealsql/sealsql/driver/sqlite" // registers "encrypted-sqlite"
	"github.com/sealsql/sealsql/envelope/builtin"
)

const configuration = `version: 1
service: example
product: gorm
kms: {file: master.key}
metastore: {sql: same}
tables:
  patients:
    columns:
      name: {search: equality}
      insurance: {type: varchar(20), search: {equality: {unique: exact}}}
      born: {type: datetime, search: equality}
      notes: encrypted
  visits:
    columns:
      diagnosis: {search: equality}
      cost: {type: "numeric(10,2)"}
`

// Patient has many visits.
type Patient struct {
	gorm.Model
	Name      string
	Insurance string `gorm:"size:20;uniqueIndex"`
	Born      time.Time
	Notes     []string `gorm:"serializer:json"`
	Ward      string
	Visits    []Visit
}

// Visit belongs to a patient.
type Visit struct {
	gorm.Model
	PatientID uint
	Diagnosis string
	Cost      float64 `gorm:"type:numeric(10,2)"`
}

func main() {
	log.SetFlags(0)
	dir, err := os.MkdirTemp("", "sealsql-gorm-")
	if err != nil {
		log.Fatal(err)
	}
	err = run(dir)
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		log.Fatal(err)
	}
}

// open is all that differs from a plain program: the name of the driver.
func open(dir string) (*gorm.DB, error) {
	file := "file:" + filepath.Join(dir, "clinic.db") + "?sealsql_config=" + url.QueryEscape(filepath.Join(dir, "sealsql.yaml"))
	return gorm.Open(sqlite.New(sqlite.Config{DriverName: "encrypted-sqlite", DSN: file}), &gorm.Config{Logger: logger.Discard})
}

func run(dir string) error {
	if err := builtin.GenerateKeyFile(filepath.Join(dir, "master.key")); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "sealsql.yaml"), []byte(configuration), 0o644); err != nil {
		return err
	}
	db, err := open(dir)
	if err != nil {
		return err
	}
	if err := db.AutoMigrate(&Patient{}, &Visit{}); err != nil {
		return err
	}
	if err := write(db); err != nil {
		return err
	}
	if err := read(db); err != nil {
		return err
	}
	if err := refused(db); err != nil {
		return err
	}
	return stored(dir)
}

func write(db *gorm.DB) error {
	ada := Patient{
		Name: "Ada", Insurance: "4711", Born: time.Date(1815, 12, 10, 0, 0, 0, 0, time.UTC), Notes: []string{"allergic to cats"}, Ward: "A",
		Visits: []Visit{{Diagnosis: "influenza", Cost: 120.5}, {Diagnosis: "arrhythmia", Cost: 80}},
	}
	if err := db.Create(&ada).Error; err != nil {
		return err
	}
	if err := db.Model(&ada).Updates(Patient{Notes: []string{"allergic to cats", "likes numbers"}, Ward: "B"}).Error; err != nil {
		return err
	}
	// The unique key of insurance is one of its search index.
	return db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "insurance"}}, DoUpdates: clause.AssignmentColumns([]string{"name"})}).
		Create(&Patient{Name: "Ada Lovelace", Insurance: "4711"}).Error
}

func read(db *gorm.DB) error {
	var p Patient
	if err := db.Preload("Visits", "diagnosis <> ?", "none").First(&p, "insurance = ?", "4711").Error; err != nil {
		return err
	}
	fmt.Printf("%s, born %s, ward %s, %q\n", p.Name, p.Born.Format(time.DateOnly), p.Ward, p.Notes)
	for _, v := range p.Visits {
		fmt.Printf("  %s, %.2f\n", v.Diagnosis, v.Cost)
	}
	var names []string
	err := db.Model(&Patient{}).Joins("JOIN visits ON visits.patient_id = patients.id").Where("visits.diagnosis = ?", "influenza").Pluck("patients.name", &names).Error
	fmt.Println("with influenza:", names)
	return err
}

func refused(db *gorm.DB) error {
	err := db.Where("notes LIKE ?", "%cats%").Find(&[]Patient{}).Error
	if !errors.Is(err, sealsql.ErrRefused) {
		return fmt.Errorf("the query should have been refused: %w", err)
	}
	fmt.Println(err)
	return nil
}

func stored(dir string) error {
	db, err := sql.Open("sqlite", filepath.Join(dir, "clinic.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	var name []byte
	if err := db.QueryRow("SELECT name FROM patients").Scan(&name); err != nil {
		return err
	}
	fmt.Printf("stored: %x…\n", name[:24])
	return nil
}
