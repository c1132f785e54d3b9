/** A passage in which what was found is marked. */
export function Marked({ parts }: { parts: { text: string; hit: boolean }[] }) {
  return parts.map(({ text, hit }, i) => (hit ? <mark key={i}>{text}</mark> : <span key={i}>{text}</span>));
}
