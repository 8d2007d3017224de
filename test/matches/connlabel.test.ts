/** Which connections can have labels: the answers are those of Linux 6.18. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import { udpPacket } from '../packets/packets.js';
import { MatchingHost } from './matching-host.js';

const connlabel = suite('connlabel');

const NOTHING = '*filter\nCOMMIT\n';
const LABELS = '*filter\n-A FORWARD -m connlabel --label 3 --set\n-A FORWARD -m connlabel ! --label 3\nCOMMIT\n';
const ELSEWHERE = '*mangle\n-A INPUT -m connlabel --label 9\nCOMMIT\n';
const [SET, NOT_SET] = [[0], [1]];

connlabel('a connection that is opened while no rule has to do with labels never has one', () => {
  for (const engine of EMULATOR_ENGINES) {
    const host = new MatchingHost(NOTHING, { engine });
    const send = (sport: number): number[] =>
      host.receive(0, udpPacket({ source: '10.0.0.2', destination: '10.1.0.2', sport, dport: 9 }), 1);
    send(1);
    host.replaceRules(LABELS);
    assert.equal([send(1), send(2)], [NOT_SET, SET], engine);
    host.replaceRules(NOTHING);
    send(3);
    host.replaceRules(LABELS);
    assert.equal([send(1), send(2), send(3), send(4)], [NOT_SET, SET, NOT_SET, SET], engine);
    host.replaceRules(ELSEWHERE);
    host.replaceRules(NOTHING);
    send(5);
    host.replaceRules(LABELS);
    assert.equal(send(5), SET, engine);
  }
});

connlabel.run();
