/** Paths of compose files, as they are written in them. */

/** PATH, which is relative to FOLDER ('' for the current one) unless it is absolute, without `.` and needless `..`. One that is elsewhere stays. */
export function pathFrom(folder: string, path: string): string {
  if (isRemote(path)) return path;
  const joined = path.startsWith('/') || folder === '' ? path : `${folder}/${path}`;
  const parts: string[] = [];
  for (const part of joined.split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const root = joined.startsWith('/') ? '/' : '';
  return root + (root === '' ? parts : parts.filter((part) => part !== '..')).join('/') || '.';
}

/** The folder that PATH is in; '' for the current one. */
export function folderOf(path: string): string {
  const end = path.lastIndexOf('/');
  return end < 0 ? '' : path.slice(0, end) || '/';
}

/** Whether compose would fetch PATH from elsewhere. */
export function isRemote(path: string): boolean {
  return /^(?:https?:\/\/|git@|git:\/\/|ssh:\/\/|github\.com\/|oci:\/\/)/.test(path) || /\.git(?:#.*)?$/.test(path);
}
