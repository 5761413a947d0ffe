package mysql

import "strings"

// functions lists built-in functions of MySQL and MariaDB that take neither
// SQL text nor relation names and do nothing but return a value (threats T3).
// Left out on purpose: load_file (reads files), benchmark, sys_* and every
// loadable function, master_pos_wait and its kin, set_config-like functions,
// encode/decode keys kept by the server's key ring, asynchronous replication
// and group replication controls.
var functions = func() map[string]struct{} {
	m := map[string]struct{}{}
	for _, name := range strings.Fields(functionNames) {
		m[name] = struct{}{}
	}
	return m
}()

const functionNames = `
abs acos adddate addtime aes_decrypt aes_encrypt any_value ascii asin atan atan2 avg
bin bin_to_uuid binlog_gtid_pos bit_and bit_count bit_length bit_or bit_xor
can_access_column cast ceil ceiling char char_length character_length charset chr coalesce coercibility
collation column_add column_check column_create column_delete column_exists column_get column_json column_list
compress concat concat_ws connection_id conv convert convert_tz cos cot count crc32 crc32c cume_dist curdate
current_date current_role current_time current_timestamp current_user curtime
database date date_add date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear decode_oracle
default degrees dense_rank des_decrypt des_encrypt
elt encrypt exp export_set extract extractvalue
field find_in_set first_value floor format format_bytes format_pico_time found_rows from_base64 from_days
from_unixtime
geometrycollection geometrytype get_format get_lock greatest group_concat grouping
hex hour
if ifnull inet6_aton inet6_ntoa inet_aton inet_ntoa insert instr interval is_free_lock is_ipv4 is_ipv4_compat
is_ipv4_mapped is_ipv6 is_used_lock is_uuid isnull
json_array json_array_append json_array_insert json_array_intersect json_arrayagg json_compact json_contains
json_contains_path json_depth json_detailed json_equals json_exists json_extract json_insert json_key_value
json_keys json_length json_loose json_memberof json_merge json_merge_patch json_merge_preserve json_normalize
json_object json_object_filter_keys json_object_to_array json_objectagg json_overlaps json_pretty json_query
json_quote json_remove json_replace json_schema_valid json_schema_validation_report json_search json_set
json_storage_free json_storage_size json_type json_unquote json_valid json_value
lag last_day last_insert_id last_value lastval lcase lead least left length lengthb linestring ln localtime
localtimestamp locate log log10 log2 lower lpad ltrim
make_set makedate maketime max mbrcontains mbrcoveredby mbrcovers mbrdisjoint mbrequals mbrintersects mbroverlaps
mbrtouches mbrwithin md5 median microsecond mid min minute mod month monthname multilinestring multipoint
multipolygon
natural_sort_key nextval now nth_value ntile nullif nvl nvl2
oct octet_length ord
password percent_rank percentile_cont percentile_disc period_add period_diff pi point polygon position pow power
quarter quote
radians rand random_bytes rank regexp_instr regexp_like regexp_replace regexp_substr release_all_locks
release_lock repeat replace reverse right roles_graphml round row_count row_number rpad rtrim
schema sec_to_time second session_user setval sformat sha sha1 sha2 sign sin sleep soundex space sqrt
st_area st_asbinary st_asgeojson st_astext st_aswkb st_aswkt st_boundary st_buffer st_centroid st_contains
st_convexhull st_crosses st_difference st_dimension st_disjoint st_distance st_distance_sphere st_endpoint
st_envelope st_equals st_exteriorring st_geohash st_geomcollfromtext st_geomcollfromwkb st_geometryfromtext
st_geometryn st_geometrytype st_geomfromgeojson st_geomfromtext st_geomfromwkb st_interiorringn
st_intersection st_intersects st_isclosed st_isempty st_isring st_issimple st_isvalid st_latfromgeohash
st_latitude st_length st_linefromtext st_linefromwkb st_longfromgeohash st_longitude st_makeenvelope
st_numgeometries st_numinteriorrings st_numpoints st_overlaps st_pointfromgeohash st_pointfromtext
st_pointfromwkb st_pointn st_pointonsurface st_polygonfromtext st_polygonfromwkb st_relate st_simplify st_srid
st_startpoint st_swapxy st_symdifference st_touches st_transform st_union st_validate st_within st_x st_y
std stddev stddev_pop stddev_samp str_to_date strcmp subdate substr substring substring_index subtime sum sysdate
system_user
tan time time_format time_to_sec timediff timestamp timestampadd timestampdiff to_base64 to_char to_days
to_seconds trim trim_oracle truncate
ucase uncompress uncompressed_length unhex unix_timestamp updatexml upper user utc_date utc_time utc_timestamp
uuid uuid_short uuid_to_bin
validate_password_strength value values var_pop var_samp variance version
week weekday weekofyear weight_string
year yearweek
`
