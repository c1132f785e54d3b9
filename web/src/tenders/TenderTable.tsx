import type { ReactNode } from 'react';
import type { TenderRowFragment } from '../gql/first';
import { useLanguage } from '../language';
import { Link, to, type Trail } from '../router';
import { Days } from './Days';
import { departmentsOf, valueOf } from './values';

/** A tender in a list: the passages found in it, and what else there is to say and do. */
export interface Line {
  tender: TenderRowFragment;
  title: ReactNode;
  passage?: ReactNode;
  about?: ReactNode;
  action?: ReactNode;
}

export function TenderTable({ lines, labelledBy, busy }: { lines: Line[]; labelledBy: string; busy: boolean }) {
  const said = useLanguage();
  const trail: Trail = { list: location.pathname + location.search, tenders: lines.map(({ tender }) => [tender.source, tender.sourceRef]) };
  return (
    <table className="rows tenders" role="table" aria-labelledby={labelledBy} aria-busy={busy}>
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">{said.buyer}</th>
          <th role="columnheader" scope="col">{said.reference}</th>
          <th role="columnheader" scope="col">{said.object}</th>
          <th role="columnheader" scope="col">{said.action}</th>
        </tr>
      </thead>
      <tbody role="rowgroup">{lines.map((line) => <TenderLine key={line.tender.id} line={line} trail={trail} />)}</tbody>
    </table>
  );
}

function TenderLine({ line: { tender, title, passage, about, action }, trail }: { line: Line; trail: Trail }) {
  const said = useLanguage();
  const page = to('marches', tender.source, tender.sourceRef);
  const over = tender.status === 'CANCELLED' || tender.status === 'AWARDED';
  return (
    <tr role="row" className={tender.seen ? 'seen' : undefined}>
      <td role="cell">{tender.buyer.name}</td>
      <td role="cell" className="reference">{tender.reference ?? tender.sourceRef}</td>
      <td role="cell">
        <p className="name"><Link href={page} trail={trail}>{title}</Link></p>
        {passage && <p className="passage">{passage}</p>}
        <p className="facts">
          {tender.seen && <span className="tag">{said.seen}</span>}
          {tender.status !== 'ONLINE' && <span className={`tag ${tender.status.toLowerCase()}`}>{said.statuses[tender.status]}</span>}
          {!over && (
            <span className="deadline">
              <Days tender={tender} /> {said.labelled(said.deadlines[tender.deadlineKind ?? 'BIDS'])} {tender.deadline ? said.moment(tender.deadline) : said.noDeadline}
            </span>
          )}
          {tender.value && <span>{valueOf(tender, said)}</span>}
          {tender.technique && tender.technique !== 'CONTRACT' && <span>{said.techniques[tender.technique]}</span>}
          <span>{said.published} {said.day(tender.publishedAt)}</span>
          <span>{departmentsOf(tender) || (tender.abroad ? said.abroad : said.nationwide)}</span>
        </p>
        {about && <p className="facts">{about}</p>}
      </td>
      <td role="cell" className="actions">
        <Link href={page} trail={trail} aria-label={said.showTender(tender.title)}>{said.show}</Link>
        {action}
      </td>
    </tr>
  );
}
