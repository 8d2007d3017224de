// A host without packets, on which an engine works: its rules, sets and sysctls.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OfflineHost } from '../../docker/offline-host.js';

const Offline = suite('offline host');

const RULES = '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -j DROP\nCOMMIT\n';

Offline('commands change the rules that were there, and those that fail change nothing', () => {
  const host = new OfflineHost({ rules: RULES });
  assert.is(host.iptables(['-A', 'FORWARD', '-i', 'docker0', '-j', 'ACCEPT']).exitCode, 0);
  const failed = host.iptables(['-A', 'DOCKER', '-j', 'RETURN']);
  assert.is(failed.exitCode, 1);
  assert.match(failed.stderr, /No chain\/target\/match by that name/);
  assert.is(host.saveRules(), RULES.replace('DROP\nCOMMIT', 'DROP\n-A FORWARD -i docker0 -j ACCEPT\nCOMMIT'));
});

Offline('restored rules replace only the tables that they name', () => {
  const host = new OfflineHost();
  host.iptables(['-t', 'nat', '-N', 'DOCKER']);
  host.iptables(['-N', 'DOCKER']);
  host.restoreRules(RULES);
  assert.match(host.saveRules(), /\*nat\n(:[A-Z]+ ACCEPT \[0:0\]\n)*:DOCKER - \[0:0\]\nCOMMIT/);
  assert.match(host.saveRules(), RULES);
});

Offline('a rule may name only a set that exists, which then cannot be destroyed', () => {
  const host = new OfflineHost();
  const rule = ['-A', 'FORWARD', '-m', 'set', '--match-set', 'bridges', 'dst', '-j', 'ACCEPT'];
  assert.is(host.iptables(rule).exitCode, 2);
  assert.is(host.ipset(['create', 'bridges', 'hash:net', 'family', 'inet']).exitCode, 0);
  assert.is(host.iptables(rule).exitCode, 0);
  const kept = host.ipset(['destroy', 'bridges']);
  assert.is(kept.exitCode, 1);
  assert.match(kept.stderr, /in use by a kernel component/);
});

Offline('sysctls are read and written as the document spells them', () => {
  const json = { link: [], sysctl: { 'net/ipv4/ip_forward': '0' } };
  const { network } = new OfflineHost({ json });
  assert.is(network.sysctl('net.ipv4.ip_forward'), 0);
  network.setSysctl('net.ipv4.ip_forward', 1);
  network.setSysctl('net.ipv4.conf.docker0.route_localnet', 1);
  assert.equal(network.json, {
    link: [],
    sysctl: { 'net/ipv4/ip_forward': 1, 'net.ipv4.conf.docker0.route_localnet': 1 },
  });
  assert.equal(json.sysctl, { 'net/ipv4/ip_forward': '0' });
  assert.is(network.sysctl('net.ipv4.conf.all.rp_filter'), undefined);
});

Offline.run();
