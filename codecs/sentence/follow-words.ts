/** Words for what follows a packet, instead of a sentence (docs/sentences.md). */
export const FOLLOW_WORDS = ['handshake', 'close', 'ping', 'dns', 'reply'] as const;
export type FollowWord = (typeof FOLLOW_WORDS)[number];
