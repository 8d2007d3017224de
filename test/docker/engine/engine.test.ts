// What an engine does to a host: values from real engines and from moby's code at their tags.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { testHost } from './hosts.js';

const Engine = suite('docker engine');

interface Link {
  ifname: string;
  ifindex: number;
  link_index?: number;
  flags: string[];
}

Engine('the default bridge is there once the engine has started, without a carrier until a container runs', () => {
  for (const release of ['1.12.6', '20.10.24', '28.5.2']) {
    const { host, script } = testHost(release);
    const docker0 = () => (host.network.json.addr as Link[]).find(({ ifname }) => ifname === 'docker0');
    const route = () =>
      (host.network.json.route as { dst: string; flags: string[] }[]).find(({ dst }) => dst === '172.17.0.0/16');
    script('dockerd');
    assert.equal(docker0()?.flags, ['NO-CARRIER', 'BROADCAST', 'MULTICAST', 'UP']);
    assert.equal(route()?.flags, ['linkdown']);
    script('docker run -d --name web busybox');
    assert.equal(docker0()?.flags, ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP']);
    assert.equal(route()?.flags, []);
    script('docker stop web');
    assert.equal(docker0()?.flags, ['NO-CARRIER', 'BROADCAST', 'MULTICAST', 'UP']);
  }
});

Engine(
  'links are numbered as the kernel does: a pair takes two numbers before 28; its end comes back to be deleted',
  () => {
    const numbersOf = (release: string): string[] => {
      const { host, script } = testHost(release);
      const veths = () =>
        (host.network.json.addr as Link[]).flatMap(({ ifname, ifindex, link_index }) =>
          ifname.startsWith('veth') ? `${ifindex}/${link_index}` : [],
        );
      script('dockerd\ndocker run -d --name web busybox');
      const first = veths();
      script('docker restart web');
      return [...first, ...veths()];
    };
    assert.equal(numbersOf('20.10.24'), ['5/4', '7/6']);
    assert.equal(numbersOf('28.5.2'), ['4/2', '6/2']);
  },
);

Engine('MACs follow addresses before 28', () => {
  const macOf = (release: string): string | undefined => {
    const { docker, script } = testHost(release);
    script('dockerd\ndocker run -d --name web busybox');
    return docker.state.containers[0].endpoints[0].mac;
  };
  assert.is(macOf('27.5.1'), '02:42:ac:11:00:02');
  assert.is.not(macOf('28.0.0'), '02:42:ac:11:00:02');
  assert.is(macOf('28.0.0'), macOf('28.0.0'));
});

Engine('a subnet that was given back is the next one, the next but all others, or the first gap, by release', () => {
  const subnetsOf = (release: string): (string | undefined)[] => {
    const { script, subnet } = testHost(release);
    script(
      'dockerd\ndocker network create n1\ndocker network create n2\ndocker network rm n1\ndocker network create n3',
    );
    return [subnet('n2'), subnet('n3')];
  };
  for (const release of ['1.12.6', '17.06.2', '18.03.1', '27.0.3', '28.5.2']) {
    assert.equal(subnetsOf(release), ['172.19.0.0/16', '172.18.0.0/16'], release);
  }
  for (const release of ['18.06.3', '20.10.24', '26.1.5']) {
    assert.equal(subnetsOf(release), ['172.19.0.0/16', '172.20.0.0/16'], release);
  }
});

Engine('pools that overlap an on-link route of the host are left out', () => {
  for (const release of ['18.03.1', '20.10.24', '28.5.2']) {
    const route = [
      { dst: '172.17.0.0/24', dev: 'eth0', protocol: 'kernel', scope: 'link', prefsrc: '172.17.0.9', flags: [] },
      { dst: '172.19.0.0/12', gateway: '192.0.2.1', dev: 'eth0', flags: [] },
      { dst: '172.19.5.0/24', dev: 'eth0', scope: 'link', flags: [] },
    ];
    const { script, subnet } = testHost(release, { route });
    script('dockerd\ndocker network create n1');
    assert.equal([subnet('bridge'), subnet('n1')], ['172.18.0.0/16', '172.20.0.0/16'], release);
  }
});

Engine('the last pools are 192.168.0.0/20 to 192.168.240.0/20; then there is none', () => {
  const { script, subnet, type } = testHost('20.10.24');
  script('dockerd');
  for (let i = 0; i < 30; i++) script(`docker network create n${i}`);
  assert.equal([subnet('n13'), subnet('n14'), subnet('n29')], ['172.31.0.0/16', '192.168.0.0/20', '192.168.240.0/20']);
  assert.match(type('docker network create one-more').stderr, /non-overlapping IPv4 address pool/);
});

Engine('the lowest free address is given out', () => {
  const { script, addresses } = testHost('28.5.2');
  script(`dockerd
    docker run -d --name one busybox
    docker run -d --name two busybox
    docker stop one
    docker run -d --name three busybox
    docker start one`);
  assert.equal(
    ['one', 'two', 'three'].map((name) => addresses(name).bridge),
    ['172.17.0.4', '172.17.0.3', '172.17.0.2'],
  );
});

Engine('a container is reached by one of its networks, and by another when it leaves that', () => {
  const { script, ports, host } = testHost('20.10.24');
  script(`dockerd
    docker network create alpha
    docker network create zulu
    docker run -d --name web --network zulu -p 80:80 busybox`);
  assert.equal(ports('web'), ['0.0.0.0:80->172.19.0.2:80/tcp']);
  script('docker network connect alpha web');
  assert.equal(ports('web'), ['0.0.0.0:80->172.18.0.2:80/tcp']);
  assert.not.match(host.saveRules(), /172\.19\.0\.2:80/);
  script('docker network disconnect alpha web');
  assert.equal(ports('web'), ['0.0.0.0:80->172.19.0.2:80/tcp']);
  assert.equal(
    host.deletedConnections.map((selector) => ('replyAddress' in selector ? String(selector.replyAddress) : selector)),
    ['172.19.0.2', '172.18.0.2'],
  );
});

Engine('a port that is taken is refused, and the container stays', () => {
  const { script, type, docker } = testHost('28.5.2');
  script('dockerd\ndocker run -d --name web -p 8000:80 busybox');
  const { exitCode, stderr } = type('docker run -d --name clash -p 127.0.0.1:8000:80 busybox');
  assert.is(exitCode, 125);
  assert.match(
    stderr,
    /^docker: Error response from daemon: failed to set up container networking: driver failed programming/,
  );
  assert.match(stderr, /Bind for (0\.0\.0\.0|127\.0\.0\.1):8000 failed: port is already allocated/);
  assert.equal(
    docker.state.containers.map(({ name, isRunning }) => [name, isRunning]),
    [
      ['web', true],
      ['clash', false],
    ],
  );
});

Engine('published ports are sockets of the host while the container runs', () => {
  const { script, host } = testHost('20.10.24');
  const locals = (): string[] => ((host.network.json.sockets ?? []) as { local: string }[]).map(({ local }) => local);
  script('dockerd\ndocker run -d --name web -p 8000:80 -p 127.0.0.1:53:53/udp busybox');
  assert.equal(locals().sort(), ['0.0.0.0:8000', '127.0.0.1:53']);
  script('docker stop web');
  assert.equal(locals(), []);
});

Engine('containers start again with the engine as their restart policies say', () => {
  const { script, docker } = testHost('28.5.2');
  script(`dockerd
    docker run -d --name never busybox
    docker run -d --name always --restart always busybox
    docker run -d --name unless --restart unless-stopped busybox
    docker run -d --name stopped --restart unless-stopped busybox
    docker run -d --name gone --rm busybox
    docker stop stopped always
    systemctl restart docker`);
  assert.equal(
    docker.state.containers.map(({ name, isRunning }) => `${name} ${isRunning}`),
    [...['never false', 'always true', 'unless true', 'stopped false']],
  );
});

Engine('live-restore: containers and their rules outlive the engine', () => {
  const { script, host, ports } = testHost('20.10.24');
  script('dockerd --live-restore\ndocker run -d --name web -p 80:80 busybox\nsystemctl stop docker');
  const before = host.saveRules();
  assert.match(before, /--to-destination 172\.17\.0\.2:80/);
  script('systemctl start docker');
  // Before 27.4, DOCKER-USER is not the first any more, as a real engine showed.
  const jumps = ['-A FORWARD -j DOCKER-USER\n', '-A FORWARD -j DOCKER-ISOLATION-STAGE-1\n'];
  assert.is(host.saveRules(), before.replace(jumps.join(''), jumps.toReversed().join('')));
  assert.equal(ports('web'), ['0.0.0.0:80->172.17.0.2:80/tcp']);
});

Engine('a link to a container that is not there is refused, and no container is made (moby: registerLinks)', () => {
  for (const [release, said] of [
    ['17.06.2', 'Could not get container for redis'],
    ['28.5.2', 'could not get container for redis: No such container: redis'],
  ]) {
    const { docker, script, type } = testHost(release);
    script('dockerd');
    const { exitCode, stderr } = type('docker run -d --link redis:db nginx');
    assert.is(exitCode, 125);
    assert.ok(stderr.includes(`docker: Error response from daemon: ${said}`), stderr);
    assert.equal(docker.state.containers, []);
  }
});

Engine('links are forgotten with the endpoints that they were made for, as the engine does', () => {
  const linkRules = (release: string): number[] => {
    const { script, host } = testHost(release);
    const count = (): number => host.saveRules().match(/-A DOCKER -s .* -[ds]port? 6379|-A DOCKER -s/g)?.length ?? 0;
    script(`dockerd --icc=false
      docker run -d --name db --expose 6379 redis
      docker run -d --name web --link db busybox`);
    const counts = [count()];
    for (const line of ['docker restart db', 'docker stop web', 'docker start web', 'docker stop web']) {
      script(line);
      counts.push(count());
    }
    return counts;
  };
  // The second stop does take the rules away: db has had no new endpoint since web started.
  assert.equal(linkRules('20.10.24'), [2, 2, 2, 2, 0]);
  assert.equal(linkRules('28.5.2'), [2, 2, 2, 2, 0]);
});

Engine('a container that links to one that does not run does not start, nor with the engine', () => {
  for (const release of ['20.10.24', '28.5.2']) {
    const { script, type, docker } = testHost(release);
    script(`dockerd
      docker run -d --name db redis
      docker run -d --name web --link db:cache --restart always busybox
      systemctl restart docker`);
    assert.equal(
      docker.state.containers.map(({ name, isRunning }) => `${name} ${isRunning}`),
      ['db false', 'web false'],
    );
    const { exitCode, stderr } = type('docker start web');
    assert.is(exitCode, 1);
    assert.match(stderr, 'Error response from daemon: Cannot link to a non running container: /db AS /web/');
  }
});

Engine('while its chains are missing the engine fails with what iptables says, and leaves what it had done', () => {
  for (const [release, message] of [
    ['20.10.24', ':  (iptables failed: iptables --wait -t nat -A DOCKER -p tcp -d 0/0 --dport 9000 '],
    ['28.5.2', ': Unable to enable DNAT rule:  (iptables failed: iptables --wait -t nat -A DOCKER -p tcp -d 0/0 '],
  ]) {
    const { script, type, docker, host } = testHost(release);
    script('service iptables save\ndockerd\ndocker run -d --name web -p 80:80 busybox\nsystemctl restart iptables');
    const published = type('docker run -d --name first -p 9000:80 busybox');
    assert.is(published.exitCode, 125);
    assert.ok(published.stderr.includes(message), published.stderr);
    assert.match(published.stderr, /No chain\/target\/match by that name/);
    assert.is(type('docker run -d --name plain busybox').exitCode, 0);
    assert.match(
      type('docker network create apart').stderr,
      /Failed to Setup IP tables: Unable to enable SKIP DNAT rule/,
    );
    assert.not.ok(docker.state.networks.some(({ spec }) => spec.name === 'apart'));
    // The bridge of the network that failed stays: down, with its address, and with no route but that to itself.
    const addr = host.network.json.addr as Link[];
    const left = addr.find(({ ifname }) => ifname.startsWith('br-'));
    assert.equal(left?.flags, ['BROADCAST', 'MULTICAST']);
    const routes = host.network.json.route as { dev: string; type?: string }[];
    assert.equal(
      routes.filter(({ dev }) => dev === left?.ifname).map(({ type: kind }) => kind),
      ['local'],
    );
    assert.match(
      host.saveRules(),
      new RegExp(`-A POSTROUTING -s 172\\.18\\.0\\.0/16 ! -o ${left?.ifname} -j MASQUERADE`),
    );
    assert.match(type('docker restart web').stderr, /Cannot restart container web: /);
    script('systemctl restart docker\ndocker start web first');
  }
});

Engine('the options of dockerd make the default bridge', () => {
  const { script, subnet, addresses, docker } = testHost('20.10.24');
  script(`dockerd --bip 10.200.0.1/24 --fixed-cidr 10.200.0.128/25 --default-gateway 10.200.0.254
    docker run -d --name web busybox`);
  assert.is(subnet('bridge'), '10.200.0.0/24');
  assert.is(docker.state.networks.find(({ spec }) => spec.name === 'bridge')?.gateway, '10.200.0.1');
  assert.is(addresses('web').bridge, '10.200.0.128');
});

Engine(
  'a routed network opens ports and translates nothing; since 29, also where another one reaches the container',
  () => {
    const openedBy = (release: string): boolean[] => {
      const { script, host } = testHost(release);
      const isOpen = (): boolean => /-A DOCKER -d 172\.19\.0\.2\/32 .*--dport 80 -j ACCEPT/.test(host.saveRules());
      script(`dockerd
      docker network create alpha
      docker network create -o com.docker.network.bridge.gateway_mode_ipv4=routed zulu
      docker run -d --name web --network zulu -p 8080:80 busybox`);
      assert.not.match(host.saveRules(), /--dport 8080/);
      const opened = [isOpen()];
      for (const line of [
        'docker network connect alpha web',
        'docker network disconnect alpha web',
        'docker stop web',
      ]) {
        script(line);
        opened.push(isOpen());
      }
      return opened;
    };
    assert.equal(openedBy('28.5.2'), [true, false, true, false]);
    assert.equal(openedBy('29.0.0'), [true, true, true, false]);
  },
);

Engine('ports cannot be published on an address that the host does not have', () => {
  const { script, type } = testHost('28.5.2');
  script('dockerd\ndocker run -d --name web -p 192.0.2.10:80:80 -p 127.0.0.2:80:80 busybox');
  assert.match(
    type('docker run -d --name other -p 198.51.100.77:8090:80 busybox').stderr,
    /failed to bind host port for 198\.51\.100\.77:8090:172\.17\.0\.3:80\/tcp: cannot assign requested address/,
  );
  const old = testHost('20.10.24');
  old.script('dockerd');
  assert.match(
    old.type('docker run -d --name other -p 198.51.100.77:8090:80 busybox').stderr,
    /Error starting userland proxy: listen tcp4 198\.51\.100\.77:8090: bind: cannot assign requested address/,
  );
});

Engine('a container stays a member of a network that it could not be connected to', () => {
  const { script, type, addresses } = testHost('26.1.5');
  script(`dockerd
    docker network create --subnet 10.1.0.0/30 small
    docker run -d --name one --network small busybox
    docker run -d --name two busybox`);
  assert.match(type('docker network connect small two').stderr, /no available IPv4 addresses/);
  assert.is(type('docker network connect small one').exitCode, 1);
  assert.equal(addresses('two'), { bridge: '172.17.0.2', small: undefined });
  script('docker stop one two\ndocker network connect small two\ndocker start two');
  assert.equal(addresses('two'), { bridge: '172.17.0.2', small: '10.1.0.2' });
});

Engine('a container that shares the network of another needs that to run', () => {
  const said = (release: string): string[] => {
    const { script, type } = testHost(release);
    script('dockerd\ndocker create --name other busybox');
    const failures = ['nowhere', 'other'].map((name) => {
      const { exitCode, stderr } = type(`docker run -d --name by-${name} --network container:${name} busybox`);
      assert.is(exitCode, 125);
      return stderr.split('\n')[0];
    });
    script('docker start other by-other');
    return failures;
  };
  const joining = 'docker: Error response from daemon: joining network namespace of container:';
  assert.is(said('28.5.2')[0], `${joining} No such container: nowhere`);
  assert.match(said('28.5.2')[1], /cannot join network namespace of a non running container: container other is /);
  assert.is(said('20.10.24')[0], 'docker: Error response from daemon: No such container: nowhere.');
  assert.match(said('20.10.24')[1], /cannot join network of a non running container: /);
});

Engine('on one container, too, a port of TCP is either on all addresses or on one', () => {
  const { script, type } = testHost('28.5.2');
  script('dockerd\ndocker run -d --name dns -p 0.0.0.0:53:53/udp -p 127.0.0.1:53:53/udp busybox');
  assert.match(
    type('docker run -d --name web -p 0.0.0.0:90:80 -p 127.0.0.1:90:80 busybox').stderr,
    /failed to listen on TCP socket: address already in use/,
  );
});

Engine('what cannot be followed of networks is refused by name, and changes nothing', () => {
  const { script, docker } = testHost('20.10.24');
  script('dockerd');
  const before = docker.state;
  const create = (more: object): void => {
    const spec = { name: 'net', driver: 'bridge', isInternal: false, ipam: [], options: {}, labels: {}, ...more };
    docker.carryOut({ action: { kind: 'network create', spec }, words: [], file: 'test', notes: [] });
  };
  const v6 = { subnet: 'fd00::/64', range: undefined, gateway: undefined, reserved: {} };
  assert.throws(() => create({ driver: 'macvlan' }), /macvlan are not followed/);
  assert.throws(() => create({ ipam: [v6] }), /fd00::\/64 is not followed/);
  assert.throws(() => create({ options: { 'com.docker.network.bridge.name': 'docker0' } }), /docker0, the bridge/);
  assert.is(docker.state, before);
});

Engine('a service that does not start says why', () => {
  const { type } = testHost('28.0.0');
  type('ipset create docker-ext-bridges-v4 hash:ip');
  const { exitCode, stderr } = type('systemctl start docker');
  assert.is(exitCode, 1);
  assert.match(stderr, /^Job for docker\.service failed: .*set with the same name already exists/);
});

Engine.run();
