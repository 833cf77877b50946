#!/bin/bash
# The command line as scripts see it: exit codes, --json, --help, files that appear whole or not at all.
# usage: test-cli.sh WEIR MODEL...
set -u
weir=$1
model=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$dir/cache}
passed=0 failed=0

expect() { # name, expected exit code, command...
    local name=$1 want=$2
    shift 2
    "$@" >"$dir/out" 2>"$dir/err" </dev/null
    local got=$?
    if [ $got -eq "$want" ]; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAILED $name: exit $got, expected $want"; head -3 "$dir/err"
    fi
}
says() { # name, text in stdout or stderr of the command before
    if grep -q -- "$2" "$dir/out" "$dir/err"; then passed=$((passed + 1)); else
        failed=$((failed + 1)); echo "FAILED $1: nothing says '$2'"
    fi
}
json() { # name, python expression over d that must be true
    if python3 -c "import json,sys; d=json.load(open('$dir/out')); assert $2, d" 2>"$dir/py"; then passed=$((passed + 1)); else
        failed=$((failed + 1)); echo "FAILED $1: not $2"; tail -1 "$dir/py" | cut -c1-300
    fi
}

expect "no verb" 2 "$weir"
expect "help" 0 "$weir" --help
expect "version" 0 "$weir" --version
expect "unknown verb" 2 "$weir" fly
expect "verb of a later day" 2 "$weir" train x
says "verb of a later day" "not there yet"
for v in inspect plan profile run eval bench optimize compress convert diff machine report; do
    expect "$v --help" 0 "$weir" $v --help
    says "$v --help" "example:"
    expect "$v --man" 0 "$weir" --man $v
    expect "$v unknown option" 2 "$weir" $v --wings
done
expect "missing file" 3 "$weir" inspect "$dir/none.onnx"
says "missing file" "none.onnx"
head -c 1000 "$model" >"$dir/cut.onnx"
expect "cut file" 3 "$weir" inspect "$dir/cut.onnx"
expect "two models" 2 "$weir" inspect "$model" "$model"
expect "bad cpu" 2 "$weir" inspect "$model" --cpu pentium
expect "inspect" 0 "$weir" inspect "$model"
expect "inspect --json" 0 "$weir" inspect "$model" --json
json "inspect --json" "d['params'] > 1000 and d['bytes']['compulsory'] > 0 and d['arena_bytes'] >= d['arena_lower_bound'] and d['weir']['version'] and d['command'][1] == 'inspect' and 'machine' in d"
expect "plan" 0 "$weir" plan "$model" --cpu ref
expect "plan --json" 0 "$weir" plan "$model" --json
json "plan --json" "len(d['steps']) > 2 and all(s['bytes']['dram'] >= 0 for s in d['steps'])"
json "plan --json tells who reads whom" "d['model'] and all(-1 <= f < i for i, s in enumerate(d['steps']) for f in s['from']) and sum(f >= 0 for s in d['steps'] for f in s['from']) >= len(d['steps']) - 1"
expect "convert" 0 "$weir" convert "$model" "$dir/m.weir"
expect "convert back" 0 "$weir" convert "$dir/m.weir" "$dir/m.onnx"
expect "converted runs" 0 "$weir" inspect "$dir/m.onnx"
expect "convert to nowhere" 3 "$weir" convert "$model" /nowhere/m.weir
expect "convert to what" 2 "$weir" convert "$model" "$dir/m.xyz"
python3 - "$dir/x.npy" <<'P'
import struct, sys
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1, 28, 28), }"
header += ' ' * (63 - (10 + len(header)) % 64) + '\n'
data = struct.pack('<%df' % (2 * 784), *[(i % 97) / 97 for i in range(2 * 784)])
open(sys.argv[1], 'wb').write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode() + data)
P
expect "run" 0 "$weir" run "$model" -i "$dir/x.npy" -o "$dir/y1.npy" --threads 1
expect "run, two threads" 0 "$weir" run "$model" -i "$dir/x.npy" -o "$dir/y2.npy" --threads 2
expect "the same bits" 0 cmp "$dir/y1.npy" "$dir/y2.npy"
expect "run the .weir" 0 "$weir" run "$dir/m.weir" -i "input=$dir/x.npy" -o "$dir/y3.npz" --json
expect "run without input" 2 "$weir" run "$model" -o "$dir/y.npy"
expect "run, wrong name" 3 "$weir" run "$model" -i "wings=$dir/x.npy" -o "$dir/y.npy"
expect "run to nowhere" 3 "$weir" run "$model" -i "$dir/x.npy" -o /nowhere/y.npy
expect "bench" 0 "$weir" bench "$model" --iterations 5 --duration 0 --warmup 1 --batch 1,2 --threads 1,2 --json
json "bench rows" "len(d['rows']) == 4 and all(r['latency_ms']['p50'] > 0 and len(r['samples_ns']) >= 5 for r in d['rows'])"
expect "bench, bad percentile" 2 "$weir" bench "$model" --percentile 50,x
expect "bench, bad list" 2 "$weir" bench "$model" --batch 1,x
expect "profile" 0 "$weir" profile "$model" --iterations 3 --html "$dir/p.html" --json
json "profile clock" "0 < d['cores_gave'] and all(s['ms'] > 0 and s['fraction_of_bound'] > 0 for s in d['steps']) and d['latency_median_ms'] > 0"
json "profile verdicts" "all([v['technique'] for v in s['verdict']] == [v['technique'] for v in d['steps'][0]['verdict']] and {'channels', 'prune', 'cluster', 'int8', 'ans'} <= {v['technique'] for v in s['verdict']} for s in d['steps'])"
expect "profile page" 0 grep -q "</html>" "$dir/p.html"
expect "machine" 0 "$weir" machine -o "$dir/machine.json" --json
expect "stored machine" 0 "$weir" plan "$model" --machine "$dir/machine.json"
echo '{"version": 1}' >"$dir/bad.json"
expect "bad machine" 3 "$weir" plan "$model" --machine "$dir/bad.json"
expect "eval" 0 "$weir" eval "$model" --data fashion-mnist --limit 300 --json
json "eval" "d['n'] == 300 and d['top1'] > 80 and d['top1_ci95'][0] < d['top1'] < d['top1_ci95'][1]"
expect "eval without data" 2 "$weir" eval "$model"
expect "fine-tuning" 2 "$weir" optimize "$model" -o "$dir/o.weir" --train fashion-mnist:train --data fashion-mnist
says "fine-tuning" "not there yet"
expect "format of a later day" 2 "$weir" eval "$model" --data csv:x.csv
says "format of a later day" "not yet"
echo '{"rules": [{"technique": "int8", "nodes": ".*"}]}' >"$dir/r.json"
expect "compress without data" 2 "$weir" compress "$model" -o "$dir/c.weir" --recipe "$dir/r.json"
expect "compress" 0 "$weir" compress "$model" -o "$dir/c.weir" --recipe "$dir/r.json" --data fashion-mnist
echo '{"recipe": [{"technique": "int8", "nodes": ".*"}, {"technique": "ans", "nodes": ".*"}]}' >"$dir/r2.json"
expect "compress by a document" 0 "$weir" compress "$model" -o "$dir/c2.weir" --recipe "$dir/r2.json" --data fashion-mnist
expect "compress without a rule" 0 "$weir" compress "$model" -o "$dir/c1.weir" --recipe "$dir/r2.json" --without 2 --data fashion-mnist
expect "a rule less is what was asked" 0 cmp "$dir/c1.weir" "$dir/c.weir"
expect "the rule did something" 1 cmp -s "$dir/c1.weir" "$dir/c2.weir"
expect "compress without all rules" 0 "$weir" compress "$model" -o "$dir/c0.weir" --recipe "$dir/r2.json" --without 1,2
expect "compress without rule 3 of 2" 2 "$weir" compress "$model" -o "$dir/c3.weir" --recipe "$dir/r2.json" --without 1,3
says "compress without rule 3 of 2" "numbers from 1 to 2"
expect "eval the result" 0 "$weir" eval "$dir/c.weir" --data fashion-mnist --limit 300 --json
json "eval the result" "d['top1'] > 80"
expect "an impossible budget" 1 "$weir" optimize "$model" -o "$dir/o.weir" --data fashion-mnist --max-drop 0 --only Gemm --time-limit 1s
expect "nothing is written then" 1 test -e "$dir/o.weir"
python3 - "$dir" <<'P'
import struct, sys, zipfile
def npy(descr, shape, data):
    header = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (descr, shape)
    header += ' ' * (63 - (10 + len(header)) % 64) + '\n'
    return b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode() + data
for name, n, pixel in ('nan', 1200, float('nan')), ('few', 300, 0.5):
    rest = struct.pack('<f', pixel) * 783
    with zipfile.ZipFile(f'{sys.argv[1]}/{name}.npz', 'w') as z:
        z.writestr('x.npy', npy('<f4', (n, 1, 28, 28), b''.join(struct.pack('<f', i) + rest for i in range(n))))
        z.writestr('y.npy', npy('<i8', (n,), struct.pack(f'<{n}q', *[i % 10 for i in range(n)])))
P
expect "too few samples" 2 "$weir" optimize "$model" -o "$dir/o.weir" --data "npz:$dir/few.npz"
says "too few samples" "for the search (it needs 224)"
expect "data with a NaN" 3 "$weir" optimize "$model" -o "$dir/o.weir" --data "npz:$dir/nan.npz" --only Gemm --time-limit 2s
says "data with a NaN" "scores of sample [0-9]* are not finite"
expect "training data with a NaN" 3 "$weir" optimize "$model" -o "$dir/o.weir" --data fashion-mnist --train "npz:$dir/nan.npz" --no-finetune --only Gemm --time-limit 2s
says "training data with a NaN" "scores of sample [0-9]* are not finite"
expect "nothing is written of either" 1 test -e "$dir/o.weir"
expect "no rubbish is left" 1 bash -c "ls $dir | grep -q '\.tmp'"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
