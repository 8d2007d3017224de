/** Sysctls that nothing reads: what could matter is said in a line, the rest of hundreds says nothing. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hostOf, link } from './host-file.js';

const Unread = suite('sysctls that nothing reads');

const hostWith = (sysctl: Record<string, number | string>) => hostOf({ addr: [link('wan', '192.0.2.10/24')], sysctl });

Unread('settings with the value that is emulated say nothing, others one line', () => {
  const quiet = hostWith({
    'net.netfilter.nf_conntrack_log_invalid': 0,
    'net.ipv4.conf.wan.proxy_arp': 0,
    'net.ipv4.ip_no_pmtu_disc': 0,
  });
  assert.equal([quiet.warnings, quiet.sysctls.unread], [[], []]);
  const sysctl = {
    'net.netfilter.nf_conntrack_log_invalid': 1,
    'net/ipv4/conf/wan/proxy_arp': 1,
    'net.ipv4.conf.default.proxy_arp': 1,
    'net.ipv4.ip_forward_use_pmtu': 1,
  };
  const said = [
    'net.netfilter.nf_conntrack_log_invalid = 1',
    'net/ipv4/conf/wan/proxy_arp = 1',
    'net.ipv4.ip_forward_use_pmtu = 1',
  ];
  const { warnings, sysctls } = hostWith(sysctl);
  assert.equal(warnings, [`sysctls that are not followed: ${said.join(', ')}`]);
  assert.equal(sysctls.unread, said, 'the default for other interfaces changes nothing');
});

Unread('many of a kind are counted', () => {
  const unknown = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`net.ipv4.new_setting_${i}`, i]));
  const { warnings, sysctls } = hostWith(unknown);
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0],
    /^sysctls that are not supported and have no effect: net\.ipv4\.new_setting_0, .* and 3 more$/,
  );
  assert.is(sysctls.unread.length, 8);
  const strangers = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`net.ipv4.conf.veth${i}.rp_filter`, 1]));
  assert.equal(hostWith(strangers).warnings, [
    'there are sysctls of interfaces that the host does not have: veth0, veth1, veth2, veth3, veth4 and 4 more',
  ]);
});

Unread('settings of other parts of the kernel are no matter, whatever their values', () => {
  const names = [
    ...['kernel.hostname', 'net.core.somaxconn', 'net.ipv6.conf.all.forwarding', 'net.mptcp.enabled', 'net.unix.x'],
    ...['net.ipv4.tcp_rmem', 'net.ipv4.neigh.wan.gc_stale_time', 'net.ipv4.ip_local_port_range', 'net.ipv4.vs.debug'],
    ...['net.netfilter.nf_log.2', 'net.netfilter.nf_conntrack_events', 'net.bridge.bridge-nf-call-iptables'],
    ...['net.ipv4.conf.wan.arp_ignore', 'net.netfilter.nf_conntrack_frag6_timeout', 'net.ipv4.route.gc_timeout'],
  ];
  const host = hostWith(Object.fromEntries(names.map((name) => [name, '4096\t131072\t6291456'])));
  assert.equal([host.warnings, host.sysctls.unread], [[], []]);
});

Unread.run();
