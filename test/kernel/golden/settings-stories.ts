/** Golden cases of sysctls. */
import { DOCKER_HOST, DOCKER_RULES, OUTSIDE, REDIS, WEB_SERVER } from './hosts.js';
import { connect, from, type GoldenStory, ping, query, session } from './story.js';

const FOLDER = 'test/golden/protocols';

const accountingOff: GoldenStory = {
  name: 'accounting-off',
  folder: FOLDER,
  protects: 'connections listed without packets and bytes where nf_conntrack_acct is 0',
  host: { ...DOCKER_HOST, sysctl: { 'net.netfilter.nf_conntrack_acct': 0 } },
  rules: DOCKER_RULES,
  *tell(stage) {
    yield* session(
      stage,
      from('docker0', REDIS, 40_001, WEB_SERVER, 80),
      'GET / HTTP/1.0\r\n\r\n',
      'HTTP/1.0 200 OK\r\n',
    );
    yield* connect(stage, from('eth0', OUTSIDE, 51_515, '192.0.2.10', 36_379));
    yield* query(stage, from('docker0', REDIS, 40_002, WEB_SERVER, 53), 'name?', 'address');
    yield* ping(stage, from('docker0', REDIS, 77, WEB_SERVER, 0));
  },
};

export const SETTINGS_STORIES: readonly GoldenStory[] = [accountingOff];
