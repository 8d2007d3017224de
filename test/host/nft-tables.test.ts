/** Which tables of nft do anything to packets. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nftTables } from '../../codecs/host/nft-tables.js';

const Tables = suite('tables of nft');

const hooksIn = (text: string) => nftTables(text).map(({ family, name, hooks }) => [family, name, ...hooks].join(' '));

Tables('as nft lists them', () => {
  const text = `# Warning: table ip nat is managed by iptables-nft, do not touch!
table ip nat {
	chain POSTROUTING {
		type nat hook postrouting priority srcnat; policy accept;
		oifname != "docker0" ip saddr 172.17.0.0/16 counter packets 0 bytes 0 masquerade
	}
}
table inet fw {
	set bad {
		type ipv4_addr
		flags interval
		elements = { 192.0.2.1, 198.51.100.0/24 }
	}

	chain in {
		type filter hook input priority filter; policy drop;
	}

	chain fwd {
		type filter hook forward priority filter; policy accept;
		comment "open { for now; "
	}

	chain other {
		ip saddr @bad drop
	}

	chain out {
		type filter hook output priority filter; policy accept;
		ip daddr { 192.0.2.1, 192.0.2.2 } drop # handle 5
	}
}
table netdev n {
	chain i {
		type filter hook ingress device "eth0" priority 0; policy accept;
	}
}
`;
  assert.equal(hooksIn(text), ['ip nat postrouting', 'inet fw input output', 'netdev n']);
  assert.is(nftTables(text)[1].line, 8);
});

Tables('as people write them', () => {
  const text = `#!/usr/sbin/nft -f
flush ruleset
add table inet a
table b { chain c { type filter hook input priority 0; ip saddr 192.0.2.1 drop; } }
table ip6 d { chain c { type filter hook forward priority 0; policy drop; }; chain e { accept } }
table inet "f" {
  chain g { type filter hook output priority 0
    tcp dport { 22, 80 } accept
  }
}`;
  assert.equal(hooksIn(text), ['inet a', 'ip b input', 'ip6 d forward', 'inet f output']);
});

Tables('nothing, and damage', () => {
  for (const text of ['', '}}}', 'table', '{{{', 'chain c {', '"', 'table inet x {'])
    assert.ok(
      nftTables(text).every(({ hooks }) => hooks.length === 0),
      text,
    );
});

Tables.run();
