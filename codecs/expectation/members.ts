/** What claims of expect.yaml consist of. */

export const SUBJECTS = ['packet', 'connection', 'send', 'never', 'counters'] as const;
export type Subject = (typeof SUBJECTS)[number];
const OUTCOMES = ['becomes', 'ends', 'by', 'answer'] as const;

/** What a claim about each subject may have besides it. */
export const MEMBERS: Readonly<Record<Subject, readonly string[]>> = {
  packet: ['it', ...OUTCOMES],
  connection: ['it', ...OUTCOMES],
  send: ['it', 'after', ...OUTCOMES],
  never: ['it'],
  counters: ['it'],
};
export const ALL_MEMBERS = [...MEMBERS.send, ...SUBJECTS];
