import type { ViewProps } from '../../selection.js';
import './packets-view.css';

export function PacketsView({ result }: ViewProps) {
  return <p>{result.index.name}</p>;
}
