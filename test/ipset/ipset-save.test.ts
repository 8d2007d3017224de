/** The lines and words of files for `ipset restore`. What ipset 7.17 makes of a line shows in what it then says. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { IpsetLines, isIpsetText } from '../../codecs/ipset-save.js';

const Lines = suite('lines for ipset restore');

/** `line (as counted): words at their columns`, or what is wrong, for each line of TEXT that says something. */
function read(text: string): string[] {
  const lines = new IpsetLines(text);
  const found: string[] = [];
  while (lines.next()) {
    const kind = lines.kind();
    if (kind === 'nothing') continue;
    const fault = kind === 'commit' ? 'commit' : lines.splitWords();
    const words = lines.words.map((word, i) => `${word}@${lines.columns[i]}`).join('|');
    found.push(`${lines.line}(${lines.countedLine}) ${fault ?? words}`);
  }
  return found;
}

Lines('separates words by blanks, and skips comments and empty lines', () => {
  assert.equal(read('create a  hash:ip\n# x\n\n \t#\n\tadd a\t1.1.1.1 \r\n'), [
    '1(1) create@1|a@8|hash:ip@11',
    '5(5) add@2|a@6|1.1.1.1@8',
  ]);
  assert.equal(read('\v\fadd a\vb'), ['1(1) add@3|a\vb@7']);
});

Lines('takes COMMIT for what it is only as a whole line', () => {
  assert.equal(read(' COMMIT\nCOMMIT\r\nCOMMIT \nCOMMIT'), [
    '1(1) commit',
    '2(2) commit',
    '3(3) COMMIT@1',
    '4(4) COMMIT@1',
  ]);
});

Lines('joins quoted parts to a word, and has no empty words', () => {
  assert.equal(read('add a 1 comment "x  y"\nadd a 1 comment a"b c"d "" e\n'), [
    '1(1) add@1|a@5|1@7|comment@9|x  y@17',
    '2(2) add@1|a@5|1@7|comment@9|ab cd@17|e@28',
  ]);
});

Lines('refuses an open quote, unless a blank ends the line: then ipset forgets the word', () => {
  assert.equal(read('add a "b\n'), ['1(1) add@1|a@5']);
  assert.equal(read('add a "b'), ['1(1) Missing close quote!']);
  assert.equal(read('add a "'), ['1(1) Missing close quote!']);
});

Lines('takes at most 30 words', () => {
  assert.is(read(`${'x '.repeat(29)}x\n`).length, 1);
  assert.ok(read(`${'x '.repeat(29)}x\n`)[0].includes('x@59'));
  assert.equal(read(`${'x '.repeat(30)}\n`), ['1(1) Line is too long to parse.']);
});

Lines('reads 1,023 bytes at a time, and up to a NUL byte', () => {
  const long = `add ${'x'.repeat(1018)} yz`;
  assert.equal(read(`${long}\nadd b c\n`), [`1(1) add@1|${'x'.repeat(1018)}@5`, '1(2) yz@1024', '2(3) add@1|b@5|c@7']);
  assert.equal(read('add a 1\0 junk\nadd b 2\n'), ['1(1) add@1|a@5|1@7', '2(2) add@1|b@5|2@7']);
});

Lines('counts bytes, not characters', () => {
  assert.equal(read(`${'é'.repeat(511)}ab`), [`1(1) ${'é'.repeat(511)}a@1`, '1(2) b@513']);
});

Lines('are recognized, and not mistaken for those of nft or iptables', () => {
  assert.ok(isIpsetText('create a hash:ip family inet\n'));
  assert.ok(isIpsetText('# saved\n\nadd blocked 1.2.3.4\n'));
  assert.ok(isIpsetText('flush blocked\n-exist add blocked 1.2.3.4\nadd blocked 1.2.3.5 timeout 60\n'));
  assert.not(isIpsetText('add table ip filter\nadd rule ip filter input accept\n'));
  assert.not(isIpsetText('-A INPUT -j ACCEPT\n'));
  assert.not(isIpsetText('*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n'));
  assert.not(isIpsetText(''));
});

Lines.run();
