import type { TenderDetailsFragment } from '../gql/graphql';

/** The deadline of a tender as a file that calendars read (RFC 5545). */
export function calendarOf(tender: TenderDetailsFragment, name: string, page: string): string {
  const at = stamp(tender.deadline!);
  const lines = [
    'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Vigie//FR',
    'BEGIN:VEVENT', `UID:${escape(`${tender.source}-${tender.sourceRef}`)}@vigie`, `DTSTAMP:${stamp(new Date().toISOString())}`, `DTSTART:${at}`, `DTEND:${at}`,
    `SUMMARY:${escape(`${name} : ${tender.title}`)}`, `DESCRIPTION:${escape(tender.buyer.name)}`, `URL:${page}`, 'TRANSP:TRANSPARENT',
    'END:VEVENT', 'END:VCALENDAR',
  ];
  return lines.map((line) => `${fold(line)}\r\n`).join('');
}

/** A moment as calendars write it: 20261130T110000Z. */
const stamp = (moment: string) => `${new Date(moment).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;

const escape = (text: string) => text.replace(/[\\;,]/g, '\\$&').replace(/\n/g, '\\n');

/** Lines have 75 bytes at most; what follows goes on behind a space. */
function fold(line: string): string {
  const bytes = new TextEncoder();
  let [folded, length] = ['', 0];
  for (const letter of line) {
    const size = bytes.encode(letter).length;
    if (length + size > 75) [folded, length] = [`${folded}\r\n `, 1];
    folded += letter;
    length += size;
  }
  return folded;
}
