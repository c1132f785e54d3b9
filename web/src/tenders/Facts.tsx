import type { ReactNode } from 'react';
import type { TenderDetailsFragment } from '../gql/tender';
import { Days } from './Days';
import { departmentsOf, valueOf } from './values';
import { useTenderWords, type TenderWords } from '../words/tender';

/** What a bidder decides by first. */
export function KeyFacts({ tender }: { tender: TenderDetailsFragment }) {
  const said = useTenderWords();
  const cancelled = tender.status === 'CANCELLED';
  return (
    <dl className="facts key">
      <Fact name={said.deadlines[tender.deadlineKind ?? 'BIDS']}>
        {tender.deadline ? <>{cancelled ? <s>{said.moment(tender.deadline)}</s> : said.parisTime(said.moment(tender.deadline))} <Days tender={tender} /></> : said.noDeadline}
      </Fact>
      <Fact name={said.buyer}>{tender.buyer.name}</Fact>
      <Fact name={said.status}><span className={`tag ${tender.status.toLowerCase()}`}>{said.statuses[tender.status]}</span></Fact>
      <Fact name={said.value}>{valueOf(tender, said)}</Fact>
    </dl>
  );
}

/** What else there is to know, the most important first. What a tender does not say is left out. */
export function Facts({ tender }: { tender: TenderDetailsFragment }) {
  const said = useTenderWords();
  return (
    <dl className="facts">
      <Fact name={said.duration}>{[tender.duration?.label, tender.renewals && said.renewals(tender.renewals)].filter(Boolean).join(', ')}</Fact>
      <Fact name={said.technique}>{tender.technique && said.techniques[tender.technique]}</Fact>
      <Fact name={said.places}>{listed(tender.places, said)}</Fact>
      <Fact name={said.questionsUntil}>{tender.questionsUntil && said.parisTime(said.moment(tender.questionsUntil))}</Fact>
      <Fact name={said.conditions}>{(['reserved', 'social', 'environmental'] as const).filter((name) => tender[name]).map((name) => said[name]).join(', ')}</Fact>
      <Fact name={said.reference}>{tender.reference ?? tender.sourceRef}</Fact>
      <Fact name={said.departments}>{departmentsOf(tender, Infinity) || (tender.abroad ? said.abroad : said.nationwide)}</Fact>
      <Fact name={said.nature}>{tender.natures.map((nature) => said.natureNames[nature]).join(', ')}</Fact>
      <Fact name={said.procedure}>{tender.procedure && said.procedures[tender.procedure]}</Fact>
      <Fact name={said.languages}>{tender.languages.map((code) => said.languageName(code)).join(', ')}</Fact>
      <Fact name="CPV">{cpvsOf(tender.cpvs)}</Fact>
      <Fact name={said.published}>{said.day(tender.publishedAt)}</Fact>
    </dl>
  );
}

/** A fact with its name; nothing where it is not known. */
export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return children ? <div><dt>{name}</dt><dd>{children}</dd></div> : null;
}

/** The first of very many places. */
export function listed(places: { label: string }[], said: TenderWords, most = 12): string {
  const labels = [...new Set(places.map(({ label }) => label))];
  const more = labels.length - most;
  return labels.slice(0, most).join(', ') + (more > 0 ? ` ${said.others(more)}` : '');
}

/** Codes with what they stand for. */
export function cpvsOf(cpvs: { code: string; label: string }[]): string {
  return cpvs.map(({ code, label }) => (label === code ? code : `${code} ${label}`)).join(', ');
}
