import type { ViewProps } from '../../selection.js';
import './timeline-view.css';

export function TimelineView({ result }: ViewProps) {
  return <p>{result.index.name}</p>;
}
