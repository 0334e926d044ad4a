import { parseDefinitions } from './parser.js';
import type { Definition } from './syntax.js';

/** Functions of jq that are written in it. */
const SOURCE = String.raw`
def map(f): [.[] | f];
def map_values(f): .[] |= f;
def select(f): if f then . else empty end;
def values: select(. != null);
def nulls: select(. == null);
def booleans: select(type == "boolean");
def numbers: select(type == "number");
def strings: select(type == "string");
def arrays: select(type == "array");
def objects: select(type == "object");
def iterables: select(type | . == "array" or . == "object");
def scalars: select(type | . != "array" and . != "object");
def finites: select(isinfinite or isnan | not);
def normals: select(isnormal);
def todate: strftime("%Y-%m-%dT%H:%M:%SZ");
def fromdateiso8601: strptime("%Y-%m-%dT%H:%M:%SZ") | mktime;
def todateiso8601: strftime("%Y-%m-%dT%H:%M:%SZ");
def fromdate: fromdateiso8601;
def date: todate;
def dateadd(u; n): . + n;
def datesub(u; n): . - n;
def del(f): delpaths([path(f)]);
def paths: path(..) | select(length > 0);
def paths(f): path(.. | select(f)) | select(length > 0);
def leaf_paths: paths(scalars);
def pick(f): . as $top | reduce path(f) as $p (null; setpath($p; $top | getpath($p)));
def to_entries: [keys_unsorted[] as $k | {key: $k, value: .[$k]}];
def from_entries: reduce .[] as $x ({}; . + { ($x | if .key == null then (if has("k") then .k elif has("name") then .name elif has("Name") then .Name elif has("K") then .K elif has("Key") then .Key else null end) else .key end | if type == "string" then . else tojson end): ($x | if has("value") then .value elif has("v") then .v elif has("Value") then .Value elif has("V") then .V else null end) });
def with_entries(f): to_entries | map(f) | from_entries;
def in(xs): . as $x | xs | has($x);
def inside(xs): . as $x | xs | contains($x);
def add(f): reduce f as $x (null; . + $x);
def any: any(.[]; .);
def all: all(.[]; .);
def any(f): any(.[]; f);
def all(f): all(.[]; f);
def first: .[0];
def last: .[-1];
def nth($n): .[$n];
def isvalid(f): try (f | true) catch false;
def combinations: if length == 0 then [] else .[0][] as $x | (.[1:] | combinations) as $w | [$x] + $w end;
def combinations(n): . as $dot | [range(n)] | map($dot) | combinations;
def walk(f): def w: if type == "object" then map_values(w) elif type == "array" then map(w) else . end | f; w;
def env: {};
def transpose: if . == [] then [] else . as $in | (map(length) | max) as $max | [range(0; $max) as $j | [range(0; $in | length) as $i | $in[$i][$j]]] end;
def ascii: [.] | implode;
def sub($re; str): sub($re; str; "");
def gsub($re; str): sub($re; str; "g");
def gsub($re; str; $flags): sub($re; str; $flags + "g");
def capture(re; flags): match(re; flags) | [.captures | .[] | select(.name != null) | {key: .name, value: .string}] | from_entries;
def capture($val): ($val | type) as $vt | if $vt == "string" then capture($val; null) else capture($val[0]; $val[1]) end;
def scan($re; $flags): match($re; "g" + $flags) | if (.captures | length) > 0 then [.captures | .[] | .string] else .string end;
def scan($re): scan($re; null);
def match($val): ($val | type) as $vt | if $vt == "string" then match($val; null) else match($val[0]; $val[1]) end;
def test($val): ($val | type) as $vt | if $vt == "string" then test($val; null) else test($val[0]; $val[1]) end;
def splits($re): splits($re; null);
def splits($re; flags): split($re; flags) | .[];
def ascii_downcase: explode | map(if 65 <= . and . <= 90 then . + 32 else . end) | implode;
def ascii_upcase: explode | map(if 97 <= . and . <= 122 then . - 32 else . end) | implode;
def tostream: path(def r: (.[]?|r), .; r) as $p | getpath($p) | reduce path(.[]?) as $q ([$p, .]; [$p+$q]);
def fromstream(f): {x: null, e: false} as $init | foreach f as $i ($init; if .e then $init else . end | if $i | length == 2 then setpath(["e"]; $i[0] | length == 0) | setpath(["x"] + $i[0]; $i[1]) else setpath(["e"]; $i[0] | length == 1) end; if .e then .x else empty end);
def truncate_stream(stream): . as $n | null | stream | . as $input | if (.[0] | length) > $n then setpath([0]; .[0][$n:]) else empty end;
def INDEX(stream; f): reduce stream as $row ({}; .[$row | f | tostring] |= $row);
def INDEX(f): INDEX(.[]; f);
def IN(s): any(s == .; .);
def IN(src; s): any(src == s; .);
def halt_error: error;
def halt_error($code): error;
def debug: .;
def debug(f): .;
def stderr: .;
def input_line_number: 0;
def recurse_down: recurse;
def recurse(f; cond): recurse(f | select(cond));
def have_literal_numbers: true;
def have_decnum: false;
def toarray: if type == "array" then . else [.] end;
def skip($n; f): foreach f as $x (0; . + 1; if . > $n then $x else empty end);
def abs: if type == "number" and . < 0 then -. else . end;
def flatten: flatten(1e9);
def range($x): range(0; $x);
def min_by(f): [.[] | [[f], .]] | reduce .[] as $x (null; if . == null or $x[0] < .[0] then $x else . end) | if . == null then null else .[1] end;
def max_by(f): [.[] | [[f], .]] | reduce .[] as $x (null; if . == null or $x[0] >= .[0] then $x else . end) | if . == null then null else .[1] end;
`;

let parsed: ReadonlyMap<string, Definition> | undefined;

/** The function of a signature such as `map/1`. The text is read at the first use. */
export function writtenInJq(signature: string): Definition | undefined {
  parsed ??= new Map(
    parseDefinitions(SOURCE).map((definition) => [`${definition.name}/${definition.parameters.length}`, definition]),
  );
  return parsed.get(signature);
}

/** The signatures of all of them. */
export function signaturesWrittenInJq(): readonly string[] {
  writtenInJq('');
  return [...(parsed ?? new Map<string, Definition>()).keys()];
}
