/** Commands of ipset and what it says to them. The expected messages are those of ipset 7.17 on Linux. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSets, runIpset, saveSets } from '../../core/ipset/index.js';
import { IpsetError } from '../../core/ipset/ipset-error.js';
import type { SetStore } from '../../core/sets/store.js';
import { newStore } from './our-ipset.js';

const Commands = suite('commands of ipset');

/** What the commands of LINES say: output, or the message of an error; nothing for most. */
function run(store: SetStore, ...lines: string[]): string[] {
  return lines.map((line) => {
    const words = [...line.matchAll(/\S+/g)].map((found) => ({ text: found[0], line: 1, column: found.index + 1 }));
    try {
      return runIpset(words, 'commands', store);
    } catch (error) {
      if (error instanceof IpsetError) return error.message;
      throw error;
    }
  });
}

function errorOf(text: string): IpsetError {
  try {
    readSets(text, 'sets.txt', newStore());
  } catch (error) {
    if (error instanceof IpsetError) return error;
    throw error;
  }
  throw new Error('no error');
}

/** The sets after TEXT was read up to its first mistake, without initial values. */
function savedAfter(text: string): string {
  const store = newStore();
  try {
    readSets(text, 'sets.txt', store);
  } catch (error) {
    if (!(error instanceof IpsetError)) throw error;
  }
  return saveSets(store).replace(/ initval \w+/g, '');
}

const EXPECTED = 'expected: create, add, del, test, destroy, list, save, restore, flush, rename, swap';
const HASH_IP = 'create a hash:ip family inet hashsize 1024 maxelem 65536 bucketsize 12\n';

Commands('say where a mistake is, what ipset says, and what would be right', () => {
  assert.equal(
    run(
      newStore(),
      'create a hash:ip',
      'create a hash:ip',
      'create a hash:ip -exist',
      'add a 1.1.1.300',
      'add a 1.1.1.1',
      'add a 1.1.1.1',
      'test a 1.1.1.1',
      'test a 1.1.1.2',
      'add b 1.1.1.1',
      'del a 1.1.1.2',
      'add a 1.1.1.1 timeout 5',
      'add a 1.1.1.1 bogus',
    ),
    [
      '',
      'commands:1:8: "a": Set cannot be created: set with the same name already exists',
      '',
      'commands:1:7: Syntax error: cannot parse 1.1.1.300: resolving to IPv4 address failed; ' +
        'expected: an IPv4 address such as 192.0.2.1 (host names are not resolved)',
      '',
      'commands:1:7: "1.1.1.1": Element cannot be added to the set: it\'s already added',
      'Warning: 1.1.1.1 is in set a.\n',
      '1.1.1.2 is NOT in set a.\n',
      'commands:1:5: "b": The set with the given name does not exist; expected: the name of a set',
      'commands:1:7: "1.1.1.2": Element cannot be deleted from the set: it\'s not added',
      'commands:1:7: "1.1.1.1": Timeout cannot be used: set was created without timeout support',
      "commands:1:15: Unknown argument: `bogus'; expected: timeout, packets, bytes, comment, skbmark, " +
        'skbprio, skbqueue',
    ],
  );
});

Commands('may be abbreviated, and take their options anywhere', () => {
  const store = newStore();
  assert.equal(run(store, 'n a hash:ip', 'a a 1.1.1.1', '-A a -! 1.1.1.1', 'd a 1.1.1.1', 'l -n', '--L'), [
    '',
    '',
    '',
    '',
    'a\n',
    `commands:1:1: No command specified: unknown argument --L; ${EXPECTED}`,
  ]);
  assert.equal(run(store, 'e a b', 'x b', 'list'), ['', '', '']);
});

Commands('print sets as plain text and as XML', () => {
  const store = newStore();
  run(
    store,
    'create a hash:ip initval 1 comment timeout 0',
    'add a 10.0.0.1 comment x',
    'create p bitmap:port range 1-9',
  );
  const options = ' family inet hashsize 1024 maxelem 65536 timeout 0 comment bucketsize 12 initval 0x00000001\n';
  const header = `Name: a\nType: hash:ip\nRevision: 6\nHeader:${options}References: 0\nNumber of entries: 1\n`;
  assert.equal(run(store, 'list a', 'list -t a', 'list -o xml a', 'save a'), [
    `${header}Members:\n10.0.0.1 timeout 0 comment "x"\n`,
    header,
    '<ipsets>\n<ipset name="a">\n<type>hash:ip</type>\n<revision>6</revision>\n<header><family>inet</family>' +
      '<hashsize>1024</hashsize><maxelem>65536</maxelem><timeout>0</timeout><comment/><bucketsize>12</bucketsize>' +
      '<initval>0x00000001</initval>\n<references>0</references>\n<numentries>1</numentries>\n</header>\n<members>\n' +
      '<member><elem>10.0.0.1</elem><timeout>0</timeout><comment>"x"</comment></member>\n' +
      '</members>\n</ipset>\n</ipsets>\n',
    `create a hash:ip${options}add a 10.0.0.1 timeout 0 comment "x"\n`,
  ]);
});

Commands('of a file are carried out as ipset does: adjacent lines for a set together, or not at all', () => {
  const added = `${HASH_IP}add a 1.1.1.1\n`;
  assert.is(savedAfter('create a hash:ip\nadd a 1.1.1.1\nadd a 1.1.1.1\nadd a 2.2.2.2\n'), added);
  assert.is(savedAfter('create a hash:ip\nadd a 1.1.1.1\nadd a 1.1.1.1\nadd a bogus\n'), HASH_IP);
  assert.is(savedAfter('create a hash:ip\nadd a 1.1.1.1\nCOMMIT\nadd a bogus\n'), added);
  assert.is(savedAfter('create a hash:ip\nadd a 1.1.1.1\nCOMMIT'), HASH_IP);
  assert.is(savedAfter('create a hash:ip\nadd a 1.1.1.1\nflush\nadd a 1.1.1.1\r\nCOMMIT\r\n'), added);
  assert.is(savedAfter('create a hash:ip\nadd a 1.1.1.1\nadd a 1.1.1.1 -exist\nCOMMIT\n'), added);
});

Commands('of a file end it with a test, a warning or quit', () => {
  const { endsAt, output } = readSets('create a hash:ip\ntest a 1.1.1.1\nadd a 2.2.2.2\n', 'sets.txt', newStore());
  assert.is(endsAt, 2);
  assert.is(output, '1.1.1.1 is NOT in set a.\n');
  assert.is(readSets('create a hash:ip probes 4\nadd a 2.2.2.2\n', 'sets.txt', newStore()).endsAt, 1);
  assert.is(savedAfter('create a hash:ip\nquit\nadd a 2.2.2.2\n'), HASH_IP);
});

Commands('of a file that are wrong are named by line and column, and by what ipset prints', () => {
  const parts = (text: string): unknown[] => {
    const { message, toolMessage, exitCode } = errorOf(text);
    return [message, toolMessage, exitCode];
  };
  assert.equal(parts('create a hash:ip\n\nadd a 1.1.1.1\nadd  a 1.1.1.1\n'), [
    'sets.txt:4:8: "1.1.1.1": Element cannot be added to the set: it\'s already added',
    "ipset v7.17: Error in line 4: Element cannot be added to the set: it's already added\n",
    1,
  ]);
  const notANumber = ['foo', 'tcp'].map((word) => `Syntax error: '${word}' is invalid as number`);
  notANumber.push("cannot parse 'foo' as a tcp port");
  assert.equal(parts('create a hash:ip,port\nadd a 1.1.1.1,foo\n'), [
    `sets.txt:2:7: "1.1.1.1,foo": ${notANumber.join('; ')}; expected: a port number, or the name of a tcp service`,
    `ipset v7.17: ${notANumber.join('\n')}\n`,
    1,
  ]);
  assert.equal(parts('create a hash:ip\nfoo\n'), [
    `sets.txt:2:1: No command specified: unknown argument foo; ${EXPECTED}`,
    "ipset v7.17: No command specified: unknown argument foo\nTry `ipset help' for more information.\n",
    2,
  ]);
  assert.is(errorOf('create a hash:ip\nadd a 1.1.1.1 "x').message, 'sets.txt:2:1: Missing close quote!');
});

Commands('are not looked for in a file that is something else, which is named', () => {
  assert.is(
    errorOf('*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n').message,
    'sets.txt:1:1: the file is an iptables-save ruleset; give it as --rules sets.txt',
  );
});

Commands('show nothing of a file that could change a terminal', () => {
  assert.not(errorOf('create a hash:ip\nadd a \x1b[31m\n').message.includes('\x1b'));
});

Commands('read addresses in any base and with parts left out, and keep no host names', () => {
  const store = newStore();
  assert.equal(run(store, 'create a hash:ip initval 0', 'add a 192.168.1', 'add a 010.1.1.1', 'save'), [
    '',
    '',
    '',
    `${HASH_IP.trimEnd()} initval 0x00000000\nadd a 8.1.1.1\nadd a 192.168.0.1\n`,
  ]);
  assert.match(run(store, 'add a 0x0a.1')[0], /resolving to IPv4 address failed/);
});

Commands('swap sets of which only the way differs in which they keep their elements', () => {
  const store = newStore();
  const mismatch = /The sets cannot be swapped: their type does not match/;
  run(
    store,
    'create b bitmap:ip range 10.0.0.0/16',
    'create h hash:ip',
    'create n hash:net',
    'create h6 hash:ip family inet6',
  );
  run(store, 'add b 10.0.0.1');
  assert.equal(run(store, 'swap b h'), ['']);
  assert.equal(store.get('h')?.type.name, 'bitmap:ip');
  for (const [message] of [run(store, 'swap b n'), run(store, 'swap h6 b')]) assert.match(message, mismatch);
});

Commands.run();
