/**
 * CLUSTERIP, which Linux has no longer: what iptables-restore --test of 1.8.9 takes and refuses of it, the form in
 * which iptables-save prints it, and that it is not run.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RulesetError } from '../../core/rules/parse/error.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';

const Clusterip = suite('CLUSTERIP');

const fileOf = (rule: string): string => `*filter\n-A INPUT ${rule}\nCOMMIT\n`;
const NEW = '-d 10.0.0.9/32 -i eth0 -j CLUSTERIP --new';
const NODES = '--total-nodes 2 --local-node 1';

function saved(rule: string): string {
  const text = saveRuleset(parseRuleset(fileOf(rule), 'f', { willRun: false }));
  return text.split('\n').find((line) => line.startsWith('-A'))!;
}

Clusterip('options are saved in one order, with the MAC address in capitals and the seed of the hash', () => {
  const mac = '--clustermac 01:00:5e:00:00:0a';
  assert.is(
    saved(`${NEW} ${NODES} ${mac} --hashmode sourceip`),
    `-A INPUT ${NEW} --hashmode sourceip --clustermac 01:00:5E:00:00:0A ${NODES} --hash-init 0`,
  );
  assert.is(
    saved(`${NEW} --hash-init 0x10 --hashmode sourceip-sourceport-destport --clustermac 3:0:a:b:c:d ${NODES}`),
    `-A INPUT ${NEW} --hashmode sourceip-sourceport-destport --clustermac 03:00:0A:0B:0C:0D ${NODES} --hash-init 16`,
  );
  assert.is(saved('-d 10.0.0.9/32 -j CLUSTERIP'), '-A INPUT -d 10.0.0.9/32 -j CLUSTERIP');
});

const REFUSED = [
  '--new --hashmode sourceip --clustermac 01:00:5e:00:00:01 --total-nodes 2',
  '--hashmode sourceip',
  '--hash-init 5',
  `--new --hashmode source --clustermac 01:00:5e:00:00:01 ${NODES}`,
  `--new --hashmode sourceip --clustermac 02:00:5e:00:00:01 ${NODES}`,
  `--new --hashmode sourceip --clustermac 01:00:5e:00:00 ${NODES}`,
  '--new --hashmode sourceip --clustermac 01:00:5e:00:00:01 --total-nodes 17 --local-node 1',
  '--new --hashmode sourceip --clustermac 01:00:5e:00:00:01 --total-nodes 2 --local-node 0',
  `--new --hashmode sourceip --clustermac 01:00:5e:00:00:01 ${NODES} --hash-init 4294967296`,
];

Clusterip('what is missing or wrong is refused', () => {
  for (const options of REFUSED) {
    const rule = `-d 10.0.0.9 -i eth0 -j CLUSTERIP ${options}`;
    const isInvalid = (error: unknown): boolean => error instanceof RulesetError && error.code === 'invalid';
    assert.throws(() => parseRuleset(fileOf(rule), 'f', { willRun: false }), isInvalid, options);
  }
});

Clusterip('a ruleset with it is not run', () => {
  const isUnsupported = (error: unknown): boolean => error instanceof RulesetError && error.code === 'unsupported';
  assert.throws(() => parseRuleset(fileOf('-d 10.0.0.9 -i eth0 -j CLUSTERIP'), 'f'), isUnsupported);
});

Clusterip.run();
