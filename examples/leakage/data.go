package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// configuration has a search index of every kind. Its master key is for this
// example only.
const configuration = `version: 1
service: shop
product: customers
kms: {static: {key: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f, insecure: true}}
metastore: {sql: same}
tables:
  customers:
    columns:
      email: {type: varchar(80), search: {equality: {unique: exact}}}
      name: {type: varchar(60), pad: 32, search: {equality: {collation: ci}, prefix: {lengths: [1, 3]}}}
      country: {type: varchar(40), search: equality}
      newsletter: {type: boolean, search: equality}
      phone: {type: varchar(40), search: {suffix: {lengths: [4], normalize: [digits]}}}
      born: {type: date, search: {range: {order: revealing, prefix: 10}}, accept_leakage: order}
      spent: {type: integer, search: {range: default}}
      remark: {type: text, search: {contains: default}}
      iban: {type: varchar(34)}
    indexes:
      by_country_name: {columns: [country, name]}
`

const table = `CREATE TABLE customers (
	id integer PRIMARY KEY, email varchar(80) UNIQUE, name varchar(60), country varchar(40), newsletter boolean,
	phone varchar(40), born date, spent integer, remark text, iban varchar(34))`

const insert = `INSERT INTO customers (id, email, name, country, newsletter, phone, born, spent, remark, iban)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

var (
	given     = strings.Fields("Ada Bela Carl Dora Emil Fritz Gerda Hans Ida Jan Kurt Lena Max Nora Otto Paul Rosa Sven Tina Uwe")
	family    = strings.Fields("Adler Bauer Conrad Decker Ernst Fuchs Graf Huber Jung Krause Lang Maier Naumann Otten Pohl Ritter Schuster Thoma Ulrich Vogt Weber Zander")
	countries = strings.Fields("Germany USA France Brazil Canada Austria India Portugal Chile Norway Denmark Ireland Spain")
	words     = strings.Fields("invoice delivery returned refund address changed called about broken piano guitar violin asked discount waiting answer")
)

// customers are invented, and the same at each call. Countries follow Zipf's law.
func customers() [][]any {
	r := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(r, 1.3, 1.2, uint64(len(countries)-1))
	var out [][]any
	for i := range 400 {
		first, last := given[r.IntN(len(given))], family[r.IntN(len(family))]
		row := []any{
			i + 1,
			fmt.Sprintf("%s.%s.%d@example.com", strings.ToLower(first), strings.ToLower(last), i),
			first + " " + last,
			countries[zipf.Uint64()],
			r.IntN(5) == 0,
			fmt.Sprintf("+49 30 %03d%04d", r.IntN(20), r.IntN(10000)),
			fmt.Sprintf("%04d-%02d-%02d", 1945+r.IntN(60), 1+r.IntN(12), 1+r.IntN(28)),
			int(r.ExpFloat64() * 4000),
			nil,
			fmt.Sprintf("DE%02d500105175407324%03d", r.IntN(97)+2, i),
		}
		if r.IntN(3) > 0 {
			var remark []string
			for range 2 + r.IntN(4) {
				remark = append(remark, words[r.IntN(len(words))])
			}
			row[8] = strings.Join(remark, " ")
		}
		out = append(out, row)
	}
	return out
}
