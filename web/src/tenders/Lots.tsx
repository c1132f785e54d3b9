import type { AwardFragment, TenderDetailsFragment } from '../gql/tender';
import { cpvsOf, Fact, listed } from './Facts';
import { useTenderWords } from '../words/tender';

type Lot = TenderDetailsFragment['lots'][number];

/** The lots of a tender, each with its details folded. */
export function Lots({ lots }: { lots: Lot[] }) {
  const said = useTenderWords();
  return (
    <section className="card" aria-labelledby="lots">
      <h2 id="lots">{said.lots} <span className="count">({said.number(lots.length)})</span></h2>
      <ul className="lots">{lots.map((lot, i) => <li key={i}><OneLot lot={lot} /></li>)}</ul>
    </section>
  );
}

function OneLot({ lot }: { lot: Lot }) {
  const said = useTenderWords();
  const { number, title, value, award, description } = lot;
  const name = (
    <>
      {number && <b>{said.lot(number)}</b>} {title}
      {value && <> <span className="count">{value.label}</span></>}
      {award && <> <span className="tag">{award.outcome === 'AWARDED' ? said.awarded : said.notAwarded}</span></>}
    </>
  );
  const more = description || award || lot.deadline || lot.duration || lot.nature || lot.places.length + lot.cpvs.length + lot.awardCriteria.length > 0;
  if (!more) return name;
  return (
    <details>
      <summary>{name}</summary>
      {description && <p className="text">{description}</p>}
      <dl className="facts">
        <Fact name={said.deadline}>{lot.deadline && said.parisTime(said.moment(lot.deadline))}</Fact>
        <Fact name={said.duration}>{lot.duration?.label}</Fact>
        <Fact name={said.places}>{listed(lot.places, said)}</Fact>
        <Fact name={said.nature}>{lot.nature && said.natureNames[lot.nature]}</Fact>
        <Fact name="CPV">{cpvsOf(lot.cpvs)}</Fact>
        <Fact name={said.awardCriteria}>{lot.awardCriteria.map(({ label }) => label).join(', ')}</Fact>
      </dl>
      {award && <Award award={award} />}
    </details>
  );
}

/** What became of a lot, or of the whole. */
export function Award({ award }: { award: AwardFragment }) {
  const said = useTenderWords();
  return (
    <dl className="facts">
      <Fact name={said.outcome}>{award.outcome === 'AWARDED' ? said.awarded : said.notAwarded}</Fact>
      <Fact name={said.winners}>
        {award.winners.map(({ name, siret, town }) => [name !== siret && name, town, siret && said.siret(siret)].filter(Boolean).join(', ')).join(' ; ')}
      </Fact>
      <Fact name={said.amount}>{award.amount?.label}</Fact>
      <Fact name={said.bids}>{award.bids != null && said.number(award.bids)}</Fact>
      <Fact name={said.decided}>{award.day && said.day(award.day)}</Fact>
      <Fact name={said.reason}>{award.reason}</Fact>
    </dl>
  );
}
