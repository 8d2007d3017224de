/** Options whose saved form the kernel that recorded canonical/ could not tell, as it has no such target or object. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RulesetError } from '../../core/rules/parse/error.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';

const unrecorded = suite('extensions that were not recorded');

function saved(rule: string): string {
  const file = `*filter\n:u - [0:0]\n-A u ${rule}\nCOMMIT\n`;
  return saveRuleset(parseRuleset(file, 'f', { willRun: false }))
    .split('\n')
    .find((line) => line.startsWith('-A'))!;
}

function refuses(rule: string): void {
  const isInvalid = (error: unknown): boolean => error instanceof RulesetError && error.code === 'invalid';
  assert.throws(() => saved(rule), isInvalid, rule);
}

unrecorded('LED is saved as iptables 1.8.9 prints it: quoted, and the delay as a signed number', () => {
  for (const [rule, expected] of [
    ['--led-trigger-id foo', '--led-trigger-id "foo"'],
    ['--led-trigger-id "a\\"b\\\\ c"', '--led-trigger-id "a\\"b\\\\ c"'],
    ['--led-delay 42 --led-always-blink --led-trigger-id x', '--led-trigger-id "x" --led-delay 42 --led-always-blink'],
    ['--led-trigger-id x --led-delay 0', '--led-trigger-id "x"'],
    ['--led-trigger-id x --led-delay INFinite', '--led-trigger-id "x" --led-delay -1'],
    ['--led-trigger-id x --led-delay 4294967294', '--led-trigger-id "x" --led-delay -2'],
  ]) {
    assert.is(saved(`-j LED ${rule}`), `-A u -j LED ${expected}`);
  }
  for (const rule of ['', '--led-trigger-id 12345678901234567', '--led-trigger-id x --led-delay 4294967296']) {
    refuses(`-j LED ${rule}`);
  }
});

unrecorded('the path of a pinned BPF program is kept, and such a rule cannot be run', () => {
  const rule = '-m bpf --object-pinned /sys/fs/bpf/x';
  assert.is(saved(rule), `-A u ${rule}`);
  const isUnsupported = (error: unknown): boolean => error instanceof RulesetError && error.code === 'unsupported';
  assert.throws(() => parseRuleset(`*filter\n:u - [0:0]\n-A u ${rule}\nCOMMIT\n`, 'f'), isUnsupported);
});

unrecorded(
  'ULOG is saved as iptables 1.8.9 prints it: what is not the default, and the lower half of the range',
  () => {
    for (const [rule, expected] of [
      ['', ''],
      ['--ulog-nlgroup 1 --ulog-qthreshold 1 --ulog-cprange 0', ''],
      [
        '--ulog-qthreshold 50 --ulog-cprange 0x60 --ulog-nlgroup 32',
        '--ulog-nlgroup 32 --ulog-cprange 96 --ulog-qthreshold 50',
      ],
      ['--ulog-prefix "a b"', '--ulog-prefix "a b"'],
      ['--ulog-prefix 0123456789abcdef0123456789abcdef', '--ulog-prefix 0123456789abcdef0123456789abcde'],
      ['--ulog-cprange 4294967301', '--ulog-cprange 5'],
      ['--ulog-cprange 18446744073709551615', '--ulog-cprange 4294967295'],
    ]) {
      assert.is(saved(`-j ULOG ${rule}`), `-A u -j ULOG ${expected}`.trimEnd());
    }
    for (const rule of [
      ...['--ulog-nlgroup 0', '--ulog-nlgroup 33', '--ulog-qthreshold 0', '--ulog-qthreshold 51', '--ulog-prefix ""'],
      ...['--ulog-cprange 18446744073709551616', '--ulog-cprange -1', '--ulog-cprange x', '! --ulog-nlgroup 2'],
    ]) {
      refuses(`-j ULOG ${rule}`);
    }
  },
);

unrecorded.run();
