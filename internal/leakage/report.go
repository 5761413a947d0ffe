package leakage

// Report is what a database gives away, table by table. It is also the JSON
// form: members are added, not changed.
type Report struct {
	Version int     `json:"version"`
	Dialect string  `json:"dialect"`
	Tables  []Table `json:"tables"`
}

// Table is an annotated table.
type Table struct {
	Name string `json:"name"`
	// Partition says in the words of the configuration whose keys its rows have:
	// const, column or context.
	Partition string `json:"partition"`
	// Total is the number of rows; Read those that the figures are of.
	Total int64 `json:"rows"`
	Read  int64 `json:"rows_read"`
	// Sampled is set where not all rows were read. Values that occur once in the
	// sample may occur again in the table.
	Sampled bool `json:"sampled"`
	// Lacks names configured columns that the database has not.
	Lacks   []string `json:"lacks,omitempty"`
	Columns []Column `json:"columns"`
}

// Column is an encrypted column.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Null is the number of rows without a value.
	Null int64 `json:"null"`
	// Lengths are those of the records, in bytes.
	Lengths Classes `json:"lengths"`
	// Shortest and Longest are the lengths of records, 0 without any.
	Shortest int64 `json:"shortest"`
	Longest  int64 `json:"longest"`
	// Fixed: the values of the type have one length. Padded: records are padded.
	Fixed   bool    `json:"fixed_length"`
	Padded  bool    `json:"padded"`
	Indexes []Index `json:"indexes"`
}

// Risk is how much an index gives away, measured by the data that is there.
type Risk string

// The risks. None is that of an index over nothing. Low: the classes of equal
// values tell next to nothing. High: frequencies, or the order, let many values
// be named by whoever knows about how they are distributed.
const (
	RiskNone   Risk = "none"
	RiskLow    Risk = "low"
	RiskMedium Risk = "medium"
	RiskHigh   Risk = "high"
)

// Index is a search index.
type Index struct {
	// Kind is equality, compound, prefix, suffix, contains, range (hidden) or order
	// (revealing). Columns are those of a compound one.
	Kind    string   `json:"kind"`
	Columns []string `json:"columns,omitempty"`
	// Physical is the name of its column.
	Physical string `json:"column"`
	// Scope is partition or table. Group is the search group, if it is not the
	// column's own.
	Scope string `json:"scope"`
	Group string `json:"group,omitempty"`
	// Bits is the size of the hash of an equality.
	Bits   int  `json:"bits,omitempty"`
	Unique bool `json:"unique,omitempty"`
	// Unfilled counts rows with a value and without an index, which searches do
	// not find; Stray those with an index and without a value.
	Unfilled int64 `json:"unfilled"`
	Stray    int64 `json:"stray"`
	// Classes are the groups of equal indexes.
	Classes Classes `json:"classes"`
	// Levels are the groups at each length of a prefix or suffix, and at each
	// number of leading bits of a range that hides the order.
	Levels []Level `json:"levels,omitempty"`
	Tokens *Tokens `json:"tokens,omitempty"`
	Order  *Order  `json:"order,omitempty"`
	Risk   Risk    `json:"risk"`
	// Database, Backup and Queries say in words what is learnt by who has the
	// database, a copy of it, or the texts and parameters of its queries.
	Database []string `json:"database"`
	Backup   []string `json:"backup"`
	Queries  []string `json:"query_log"`
}

// Classes describe how things fall into groups of equal ones.
type Classes struct {
	Rows     int64 `json:"rows"`
	Distinct int64 `json:"distinct"`
	// Singletons are the groups of one.
	Singletons int64 `json:"singletons"`
	Largest    int64 `json:"largest"`
	// Entropy is Shannon's of the distribution of groups, in bits; MinEntropy
	// that of the best single guess.
	Entropy    float64 `json:"entropy_bits"`
	MinEntropy float64 `json:"min_entropy_bits"`
	// Curve is the size of groups by rank, at ranks that grow geometrically.
	Curve []Point `json:"rank_frequency,omitempty"`
}

// Share is the share of the largest group.
func (c *Classes) Share() float64 {
	if c.Rows == 0 {
		return 0
	}
	return float64(c.Largest) / float64(c.Rows)
}

// Point is a rank, from 1, and the size of the group of that rank.
type Point struct {
	Rank int64 `json:"rank"`
	Rows int64 `json:"rows"`
}

// Level is one depth of a tree of groups.
type Level struct {
	// Depth is letters of a prefix or suffix, leading bits of a range.
	Depth   int     `json:"depth"`
	Classes Classes `json:"classes"`
}

// Tokens describe an index of pieces.
type Tokens struct {
	// Fewest and Most are the numbers of tokens of a row, filled up to multiples
	// of eight.
	Fewest int64 `json:"fewest"`
	Most   int64 `json:"most"`
	// Distinct tokens of all rows; Repeated occur in more rows than one: those are
	// pieces of texts and not filling.
	Distinct int64 `json:"distinct"`
	Repeated int64 `json:"repeated"`
	// Commonest is the number of rows that share the most frequent token.
	Commonest int64 `json:"commonest"`
	// Alone are the rows whose repeated tokens no other row has all of.
	Alone int64 `json:"alone"`
	// Rows have at least one.
	Rows int64 `json:"rows"`
}

// Order describes an index that reveals the order.
type Order struct {
	// Bits is the size of a value's form; Known the mean number of its bits that
	// comparisons of the rows with each other determine, and KnownMost the largest.
	Bits      int     `json:"bits"`
	Known     float64 `json:"known_bits"`
	KnownMost int     `json:"known_bits_most"`
	// Shared is the mean number of leading bits that a value shares with its
	// neighbour in the order: how near they are.
	Shared float64 `json:"shared_bits"`
}
