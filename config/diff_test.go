package config_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/config"
)

const diffHead = "version: 1\nservice: shop\nproduct: orders\nkms: {env: K}\n"

func parse(t testing.TB, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("f", []byte(diffHead+text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return c
}

// The worst effect of each change; the scripts of cmd/sealsql show the words.
func TestChangesHaveTheEffectThatTheyHaveOnStoredData(t *testing.T) {
	users := func(column string) string { return "tables: {users: {columns: {a: " + column + "}}}\n" }
	by := func(partition string) string {
		return "tables: {users: {partition: " + partition + ", columns: {a: encrypted}}}\n"
	}
	compound := func(index string) string {
		return "tables: {users: {columns: {a: encrypted, b: encrypted}, indexes: {bc: {columns: [b, {column: c, type: int}]}, " + index + "}}}\n"
	}
	bound := func(row, column string) string {
		return "tables: {users: {bind_row: " + row + ", columns: {a: " + column + "}}}\n"
	}
	for name, c := range map[string]struct {
		before, after string
		want          config.Effect // 0: no change at all
	}{
		"nothing":                                {users("encrypted"), users("{type: text}"), 0},
		"the case of names":                      {users("encrypted"), "tables: {USERS: {columns: {A: encrypted}}}\n", 0},
		"the default id written out":             {users("encrypted"), users("{id: users.a}"), 0},
		"another spelling of the type":           {users("{type: int64}"), users("{type: bigint}"), 0},
		"the default partition written out":      {users("encrypted"), by("{const: default}"), 0},
		"the order of columns":                   {"tables: {t: {columns: {a: encrypted, b: encrypted}}}\n", "tables: {t: {columns: {b: encrypted, a: encrypted}}}\n", 0},
		"a wider integer":                        {users("{type: int}"), users("{type: bigint}"), config.Harmless},
		"an integer's sign":                      {users("{type: int}"), users("{type: int unsigned}"), config.Orphans},
		"a float's size":                         {users("{type: float4}"), users("{type: double}"), config.Orphans},
		"a numeric's scale":                      {users(`{type: "numeric(10,2)"}`), users(`{type: "numeric(12,4)"}`), config.Harmless},
		"a timestamp that gets a zone":           {users("{type: timestamp}"), users("{type: timestamptz}"), config.Orphans},
		"text to bytes":                          {users("{type: text}"), users("{type: bytes}"), config.Orphans},
		"a new id":                               {users("encrypted"), users("{id: x}"), config.Orphans},
		"a renamed column with the old id":       {users("encrypted"), "tables: {users: {columns: {b: {id: users.a}}}}\n", config.Harmless},
		"a renamed column with a new id":         {users("encrypted"), "tables: {users: {columns: {b: encrypted}}}\n", config.Orphans},
		"a renamed table with a new id":          {users("encrypted"), "tables: {people: {columns: {a: encrypted}}}\n", config.Orphans},
		"no table any more":                      {users("encrypted"), "", config.Orphans},
		"a first table":                          {"", users("encrypted"), config.Harmless},
		"a schema that narrows":                  {users("encrypted"), "tables: {app.users: {columns: {a: encrypted}}}\n", config.Orphans},
		"a schema that widens":                   {"tables: {app.users: {columns: {a: encrypted}}}\n", users("encrypted"), config.Harmless},
		"another schema":                         {"tables: {app.users: {columns: {a: encrypted}}}\n", "tables: {web.users: {columns: {a: encrypted}}}\n", config.Orphans},
		"a table of one schema gets a second":    {"tables: {app.users: {columns: {a: encrypted}}}\n", "tables: {app.users: {columns: {a: encrypted}}, web.users: {columns: {a: {id: web.users.a}}}}\n", config.Harmless},
		"the partition column":                   {by("{column: t, type: text}"), by("{column: u, type: text}"), config.Orphans},
		"the partition column's case":            {by("{column: t, type: text}"), by("{column: T, type: text}"), 0},
		"the partition column's length":          {by("{column: t, type: varchar(40)}"), by("{column: t, type: varchar(80)}"), 0},
		"the partition column's family":          {by("{column: t, type: text}"), by("{column: t, type: uuid}"), config.Orphans},
		"the partition's constant":               {by("{const: a}"), by("{const: b}"), config.Orphans},
		"the partition's kind":                   {by("context"), by("{const: b}"), config.Orphans},
		"the default partition":                  {users("encrypted"), "defaults: {partition: context}\n" + users("encrypted"), config.Orphans},
		"a first default":                        {users("encrypted"), users("{default: new}"), config.Harmless},
		"another default":                        {users("{default: old}"), users("{default: new}"), config.Harmless},
		"no default any more":                    {users("{default: new}"), users("encrypted"), config.Harmless},
		"a default in other quotes":              {users("{default: new}"), users("{default: 'new'}"), 0},
		"a view that is declared":                {users("encrypted"), users("encrypted") + "views: {v: {columns: {x: users.a}}}\n", config.Harmless},
		"a view that is not declared any more":   {users("encrypted") + "views: {v: {columns: {x: users.a}}}\n", users("encrypted"), config.Harmless},
		"a view's column that shows another":     {users("encrypted") + "views: {v: {columns: {x: users.a}}}\n", users("encrypted") + "views: {v: {columns: {x: clear}}}\n", config.Harmless},
		"a view's column that is new":            {users("encrypted") + "views: {v: {columns: {x: users.a}}}\n", users("encrypted") + "views: {v: {columns: {x: users.a, y: clear}}}\n", config.Harmless},
		"a view's column that is gone":           {users("encrypted") + "views: {v: {columns: {x: users.a, y: clear}}}\n", users("encrypted") + "views: {v: {columns: {x: users.a}}}\n", config.Harmless},
		"the case of a view's names":             {users("encrypted") + "views: {v: {columns: {x: users.a}}}\n", users("encrypted") + "views: {V: {columns: {X: Users.A}}}\n", 0},
		"a first search index":                   {users("encrypted"), users("{search: equality}"), config.Orphans},
		"no search index any more":               {users("{search: equality}"), users("encrypted"), config.Harmless},
		"the defaults of an index written out":   {users("{search: equality}"), users("{search: {equality: {column: A_BIDX, bits: 128, version: 1, group: users.a, scope: partition}}}"), 0},
		"an index that is to be moved":           {users("{search: equality}"), users("{search: {equality: {next: {column: a2, bits: 256}}}}"), config.Harmless},
		"an index that is no longer moved":       {users("{search: {equality: {next: {column: a2, bits: 256}}}}"), users("{search: equality}"), config.Harmless},
		"an index that was moved":                {users("{search: {equality: {next: {column: a2, bits: 256}}}}"), users("{search: {equality: {column: a2, bits: 256}}}"), config.Harmless},
		"another index than was moved to":        {users("{search: {equality: {next: {column: a2, bits: 256}}}}"), users("{search: {equality: {column: a2, bits: 192}}}"), config.Orphans},
		"a move that changes on the way":         {users("{search: {equality: {next: {column: a2, bits: 256}}}}"), users("{search: {equality: {next: {column: a2, bits: 192}}}}"), config.Orphans},
		"a group that is moved":                  {users("{search: {equality: {group: g, next: {column: a2, version: 2}}}}"), users("{search: {equality: {column: a2, group: g, version: 2}}}"), config.Harmless},
		"a prefix index that was moved":          {users("{search: {prefix: {next: {column: a2, lengths: [2]}}}}"), users("{search: {prefix: {column: a2, lengths: [2]}}}"), config.Harmless},
		"a contains index that was moved":        {users("{search: {contains: {next: {column: a2, length: 4}}}}"), users("{search: {contains: {column: a2, length: 4}}}"), config.Harmless},
		"a range that was moved":                 {users("{type: integer, search: {range: {next: {column: a2, version: 2}}}}"), users("{type: integer, search: {range: {column: a2, version: 2}}}"), config.Harmless},
		"a first search index that is added":     {users("encrypted"), users("{search: {equality: {state: adding}}}"), config.Harmless},
		"an index that was added":                {users("{search: {equality: {state: adding}}}"), users("{search: equality}"), config.Harmless},
		"an index that is no longer added":       {users("{search: {equality: {state: adding}}}"), users("encrypted"), config.Harmless},
		"another index than was added":           {users("{search: {equality: {state: adding}}}"), users("{search: {equality: {bits: 256}}}"), config.Orphans},
		"an index that is to be dropped":         {users("{search: equality}"), users("{search: {equality: {state: dropping}}}"), config.Harmless},
		"an index that was dropped":              {users("{search: {equality: {state: dropping}}}"), users("encrypted"), config.Harmless},
		"an index that is not dropped after all": {users("{search: {equality: {state: dropping}}}"), users("{search: equality}"), config.Harmless},
		"another index than the one to drop":     {users("{search: equality}"), users("{search: {equality: {state: dropping, bits: 256}}}"), config.Orphans},
		"a prefix index that is added":           {users("encrypted"), users("{search: {prefix: {state: adding}}}"), config.Harmless},
		"a prefix index that was added":          {users("{search: {prefix: {state: adding}}}"), users("{search: {prefix: default}}"), config.Harmless},
		"a range that is added":                  {users("{type: integer}"), users("{type: integer, search: {range: {state: adding}}}"), config.Harmless},
		"a range that was dropped":               {users("{type: integer, search: {range: {state: dropping}}}"), users("{type: integer}"), config.Harmless},
		"a compound index that is added":         {compound(""), compound("ab: {columns: [a, b], state: adding}"), config.Harmless},
		"a compound index that was added":        {compound("ab: {columns: [a, b], state: adding}"), compound("ab: {columns: [a, b]}"), config.Harmless},
		"a first compound index":                 {compound(""), compound("ab: {columns: [a, b]}"), config.Orphans},
		"a compound index that is dropped":       {compound("ab: {columns: [a, b]}"), compound("ab: {columns: [a, b], state: dropping}"), config.Harmless},
		"a compound index that was dropped":      {compound("ab: {columns: [a, b], state: dropping}"), compound(""), config.Harmless},
		"a compound index that is moved":         {compound("ab: {columns: [a, b]}"), compound("ab: {columns: [a, b], next: {column: x, version: 2}}"), config.Harmless},
		"a compound index that was moved":        {compound("ab: {columns: [a, b], next: {column: x, version: 2}}"), compound("ab: {columns: [a, b], column: x, version: 2}"), config.Harmless},
		"another compound index than moved to":   {compound("ab: {columns: [a, b], next: {column: x, version: 2}}"), compound("ab: {columns: [a, b], column: x, version: 3}"), config.Orphans},
		"a compound move that changes":           {compound("ab: {columns: [a, b], next: {column: x, version: 2}}"), compound("ab: {columns: [a, b], next: {column: x, version: 3}}"), config.Orphans},
		"another normalizer":                     {users("{search: equality}"), users("{search: {equality: {normalize: [lower]}}}"), config.Orphans},
		"a first range index":                    {users("{type: integer}"), users("{type: integer, search: {range: {order: revealing}}, accept_leakage: order}"), config.Orphans},
		"no range index any more":                {users("{type: integer, search: {range: {order: revealing}}, accept_leakage: order}"), users("{type: integer}"), config.Harmless},
		"the defaults of a range written out":    {users("{type: integer, search: {range: {order: revealing}}, accept_leakage: order}"), users("{type: integer, search: {range: {order: revealing, column: A_RNG, version: 1, group: users.a, scope: partition, longer: accept}}, accept_leakage: order}"), 0},
		"another group of a range":               {users("{type: integer, search: {range: {order: revealing}}, accept_leakage: order}"), users("{type: integer, search: {range: {order: revealing, group: g}}, accept_leakage: order}"), config.Orphans},
		"another type of a range":                {users("{type: integer, search: {range: {order: revealing}}, accept_leakage: order}"), users("{type: bigint, search: {range: {order: revealing}}, accept_leakage: order}"), config.Orphans},
		"another scope":                          {users("{search: equality}"), users("{search: {equality: {scope: table}}}"), config.Orphans},
		"the carrier":                            {users("encrypted"), users("{carrier: text}"), config.Orphans},
		"the format":                             {users("encrypted"), users("{format: asherah}"), config.Orphans},
		"the format, by defaults":                {users("encrypted"), "defaults: {format: asherah}\n" + users("encrypted"), config.Orphans},
		"the format written out":                 {users("{format: asherah}"), "defaults: {format: asherah}\n" + users("encrypted"), config.Harmless},
		"another region suffix":                  {users("{format: asherah}"), "asherah: {region_suffix: eu}\n" + users("{format: asherah}"), config.Orphans},
		"another region suffix, both read":       {users("{format: asherah}"), "asherah: {region_suffix: eu, read_suffixes: [\"\"]}\n" + users("{format: asherah}"), 0},
		"a region suffix without a use":          {users("encrypted"), "asherah: {region_suffix: eu}\n" + users("encrypted"), 0},
		"the check of partitions":                {users("encrypted"), "tables: {users: {partition_check: relaxed, columns: {a: encrypted}}}\n", config.Harmless},
		"wrapped data keys":                      {users("encrypted"), users("{data_key: wrapped}"), config.Orphans},
		"wrapped data keys, reading derived":     {users("encrypted"), users("{data_key: wrapped, read: [AES-256-GCM]}"), config.Harmless},
		"a suite that is no longer read":         {users("{data_key: wrapped, read: [AES-256-GCM]}"), users("{data_key: wrapped}"), config.Orphans},
		"ChaCha20-Poly1305 by default":           {users("encrypted"), "defaults: {algorithm: ChaCha20-Poly1305}\n" + users("encrypted"), config.Orphans},
		"padding":                                {users("encrypted"), users("{pad: 16}"), config.Orphans},
		"padding, reading unpadded":              {users("encrypted"), users("{pad: 16, read: [unpadded]}"), config.Harmless},
		"another padding":                        {users("{pad: 16}"), users("{pad: padme}"), config.Harmless},
		"no padding any more":                    {users("{pad: 16}"), users("encrypted"), config.Orphans},
		"compression":                            {users("encrypted"), users("{compress: 1024}"), config.Harmless},
		"no compression any more":                {users("{compress: 1024}"), users("encrypted"), config.Orphans},
		"no compression, reading compressed":     {users("{compress: 1024}"), users("{read: [compressed]}"), config.Harmless},
		"binding to rows":                        {users("encrypted"), bound("{column: id, type: uuid}", "encrypted"), config.Orphans},
		"binding to rows, reading unbound":       {users("encrypted"), bound("{column: id, type: uuid}", "{read: [unbound]}"), config.Harmless},
		"no binding to rows any more":            {bound("{column: id, type: uuid}", "encrypted"), users("encrypted"), config.Orphans},
		"another row identity":                   {bound("{column: id, type: uuid}", "encrypted"), bound("{column: key, type: uuid}", "encrypted"), config.Orphans},
		"another type of the row identity":       {bound("{column: id, type: uuid}", "encrypted"), bound("{column: id, type: text}", "encrypted"), config.Orphans},
		"the time before which keys do not seal": {"", "policy: {not_before: 2026-01-01}\n", config.Harmless},
		"watching for revoked keys":              {"", "policy: {watch: 10s}\n", config.Harmless},
		"keys that are replaced ahead of time":   {"", "policy: {rotate_ahead: 7d}\n", config.Harmless},
		"memory in place of the database":        {"", "metastore: memory\n", config.Orphans},
		"the database in place of memory":        {"metastore: memory\n", "", config.KeyPlace},
		"another key table":                      {"", "metastore: {sql: {table: other}}\n", config.KeyPlace},
		"another database of keys":               {"", "metastore: {sql: {dsn_env: D}}\n", config.KeyPlace},
		"a declared trigger":                     {"", "triggers: {t: clear}\n", config.Harmless},
		"a trigger that is no longer declared":   {"triggers: {t: clear}\n", "", config.Harmless},
		"the life of keys":                       {"", "policy: {data_key: {max_uses: 1}}\n", config.Harmless},
		"a column that shares the id of another": {users("encrypted"), "tables: {users: {columns: {a: encrypted}}, archive: {columns: {a: {id: users.a}}}}\n", config.Harmless},
	} {
		t.Run(name, func(t *testing.T) {
			changes := config.Diff(parse(t, c.before), parse(t, c.after))
			worst := config.Effect(0)
			if len(changes) > 0 {
				worst = changes[0].Effect
			}
			if worst != c.want {
				t.Errorf("effect is %v, want %v: %+v", worst, c.want, changes)
			}
			for _, ch := range changes {
				if ch.Path == "" || ch.Message == "" || ch.Effect == config.Orphans && ch.Remedy == "" {
					t.Errorf("incomplete: %+v", ch)
				}
			}
		})
	}
}

func TestADifferenceDoesNotShowSecrets(t *testing.T) {
	static := func(key string) string {
		return strings.Replace(diffHead, "{env: K}", "{static: {key: "+key+", insecure: true}}", 1) + "metastore: {sql: {dsn: " + key + "}}\n"
	}
	a, err := config.Parse("f", []byte(static("SECRET1")))
	if err != nil {
		t.Fatal(err)
	}
	b, err := config.Parse("f", []byte(static("SECRET2")))
	if err != nil {
		t.Fatal(err)
	}
	changes := config.Diff(a, b)
	if len(changes) != 2 {
		t.Fatalf("changes are %+v", changes)
	}
	for _, c := range changes {
		if strings.Contains(c.Path+c.Message+c.Remedy, "SECRET") {
			t.Errorf("shown: %+v", c)
		}
	}
}

// kms and kms_retiring are compared together: moving a master key is two steps.
func TestAMasterKeyMovesInTwoSteps(t *testing.T) {
	conf := func(kms string) *config.Config {
		c, err := config.Parse("f", []byte("version: 1\nservice: s\nproduct: p\n"+kms+"\ntables: {users: {columns: {a: encrypted}}}\n"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	one, both, two := conf("kms: {env: A}"), conf("kms: {env: B}\nkms_retiring: {env: A}"), conf("kms: {env: B}")
	for name, c := range map[string]struct {
		before, after *config.Config
		want          string
	}{
		"taking over changes nothing":                 {one, both, ""},
		"going back to the old one alone does":        {both, one, "kms.env"},
		"dropping the old one needs the handing over": {both, two, "kms_retiring"},
		"both at once do":                             {one, two, "kms.env"},
	} {
		var places []string
		for _, x := range config.Diff(c.before, c.after) {
			if x.Effect != config.KeyPlace {
				t.Errorf("%s: effect %v", name, x.Effect)
			}
			places = append(places, x.Path)
		}
		if got := strings.Join(places, " "); got != c.want {
			t.Errorf("%s: changes of %q, want %q", name, got, c.want)
		}
	}
}
