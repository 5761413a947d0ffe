package config_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/config"
)

const providersHead = "version: 1\nservice: shop\nproduct: orders\n"

// What is written under a service is checked here, without its SDK.
func TestSectionsOfServicesAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		"kms: {aws: {regions: {us-west-2: alias/x}}, env: A}":                                                    "exactly one of env, file, static, aws, vault, gcp and azure",
		"kms: {aws: {regions: {us-west-2: ''}}}":                                                                 "the key is empty",
		"kms: {aws: {regions: {us-west-2: 'arn:aws:kms:eu-west-1:1:key/a'}}}":                                    "the ARN is of a key in another region",
		"kms: {aws: {regions: {us-west-2: 'arn:aws:s3:us-west-2:1:key/a'}}}":                                     "not the ARN of a key",
		"kms: {aws: {regions: {}}}":                                                                              "a region is needed",
		"kms: {aws: {regions: {a: b}, preferred_region: c}}":                                                     "not one of regions",
		"kms: {aws: {regions: {a: b}, min_regions: 2}}":                                                          "more regions are demanded",
		"kms: {aws: {regions: {a: b}, former_keys: [alias/x]}}":                                                  "must be the ARN of a key",
		"kms: {aws: {regions: {a: b}, endpoints: {c: 'https://c'}}}":                                             "not one of the regions",
		"kms: {aws: {regions: {a: b}, endpoints: {a: 'http://a'}}}":                                              "https only",
		"kms: {aws: {region: us-west-2}}":                                                                        "write regions: {REGION: KEY}",
		"kms: {provider: aws}":                                                                                   "aws: {…}",
		"kms: {vault: {address: 'http://v.example.com', key: k, auth: {token_env: A}}}":                          "https only",
		"kms: {vault: {address: 'https://u:canary@v', key: k, auth: {token_env: A}}}":                            "not an address",
		"kms: {vault: {address: 'https://v', key: a/b, auth: {token_env: A}}}":                                   "not a name in Vault",
		"kms: {vault: {address: 'https://v', key: k, mount: ../sys, auth: {token_env: A}}}":                      "not a name in Vault",
		"kms: {vault: {address: 'https://v', key: k, auth: {}}}":                                                 "exactly one of token_env",
		"kms: {vault: {address: 'https://v', key: k, auth: {token: canary}}}":                                    "write token_env: NAME_OF_VARIABLE",
		"kms: {vault: {address: 'https://v', key: k, auth: {token_env: 's.canary'}}}":                            "not the name of an environment variable",
		"kms: {vault: {address: 'https://v', key: k, auth: {approle: {role_id: r}}}}":                            "exactly one of secret_id_env",
		"kms: {vault: {address: 'https://v', key: k, auth: {approle: {role_id: r, secret_id_env: 'a-canary'}}}}": "not the name of an environment variable",
		"kms: {gcp: {key: k}}": "not the full name of a key",
		"kms: {gcp: {key: projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1}}": "without a version",
		"kms: {azure: {vault: 'http://v', key: k}}":                                             "https only",
		"kms: {azure: {vault: 'https://v', key: a/b}}":                                          "not a name in Key Vault",
		"kms: {azure: {vault: 'https://v', key: k, algorithm: RSA1_5}}":                         "RSA-OAEP-256",
		"kms: {env: A}\nmetastore: {dynamodb: {region: ''}}":                                    "the region is empty",
		"kms: {env: A}\nmetastore: {dynamodb: {region: a, replicas: [a]}}":                      "twice",
		"kms: {env: A}\nmetastore: {dynamodb: {region: a, table: '!'}}":                         "not the name of a table",
		"kms: {env: A}\nmetastore: {dynamodb: {region: a}, sql: same}":                          "exclude each other",
	} {
		_, err := config.Parse("x.yaml", []byte(providersHead+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error shows a secret: %v", text, err)
		}
	}
}

func TestOptionsOfServicesAreTheirJSON(t *testing.T) {
	for text, want := range map[string]string{
		"kms: {aws: {preferred_region: b, regions: {a: k1, b: k2}, endpoints: {a: 'https://e'}}}": `{"min_regions":1,"preferred_region":"b","regions":[{"endpoint":"https://e","key":"k1","region":"a"},{"key":"k2","region":"b"}],"timeout_ms":5000}`,
		"kms: {vault: {address: 'https://v', key: k, ca_file: ca.pem, auth: {token_file: t}}}":    `{"address":"https://v","auth":{"token_file":"dir/t"},"ca_file":"dir/ca.pem","key":"k","mount":"transit","timeout_ms":5000}`,
		"kms: {azure: {vault: 'https://v', key: k}}":                                              `{"algorithm":"RSA-OAEP-256","key":"k","timeout_ms":5000,"vault":"https://v"}`,
	} {
		c, err := config.Parse("dir/x.yaml", []byte(providersHead+text+"\n"))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := strings.ReplaceAll(string(c.KMS.Options), `\\`, "/"); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestTheRegionOfDynamoDBIsAsherahsSuffixIfAskedFor(t *testing.T) {
	for text, want := range map[string]string{
		"metastore: {dynamodb: {region: us-west-2}}":                                                           "",
		"metastore: {dynamodb: {region: us-west-2, region_suffix: true}}":                                      "us-west-2",
		"metastore: {dynamodb: {region: us-west-2, region_suffix: true}}\nasherah: {region_suffix: elsewhere}": "elsewhere",
	} {
		c, err := config.Parse("x.yaml", []byte(providersHead+"kms: {env: A}\n"+text+"\n"))
		if err != nil || c.Asherah.RegionSuffix != want || c.Metastore.Provider != "dynamodb" {
			t.Errorf("%s: %q, %v", text, c.Asherah.RegionSuffix, err)
		}
	}
}
