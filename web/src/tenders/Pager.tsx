import { useId } from 'react';
import { useLanguage } from '../language';
import { pageSizes } from './asked';
import type { ListPlace } from './place';

/** How many tenders there are on a page, and in which order. */
export function ListSettings({ place, relevance }: { place: ListPlace; relevance?: boolean }) {
  const said = useLanguage();
  const size = useId();
  const order = useId();
  return (
    <div className="settings">
      <p>
        <label htmlFor={size}>{said.pageSize}</label>
        <select id={size} value={place.size} onChange={(event) => place.change((address) => address.set('taille', event.target.value))}>
          {pageSizes.map((size) => <option key={size}>{size}</option>)}
        </select>
      </p>
      <p>
        <label htmlFor={order}>{said.order}</label>
        <select
          id={order}
          value={place.order ?? ''}
          onChange={(event) => place.change((address) => (event.target.value ? address.set('tri', event.target.value) : address.delete('tri')))}
        >
          {relevance && <option value="">{said.relevance}</option>}
          <option value={relevance ? 'PUBLISHED_AT_DESC' : ''}>{said.newest}</option>
          <option value="DEADLINE_ASC">{said.closingFirst}</option>
        </select>
      </p>
    </div>
  );
}

/** Leads from page to page of the list below a heading. */
export function Pager({ place, pages, heading }: { place: ListPlace; pages: number; heading: string }) {
  const said = useLanguage();
  // A button that leads nowhere is not disabled, for it would lose the focus.
  const turn = (label: string, sign: string, page: number) => {
    const leads = page >= 1 && page <= pages;
    function go() {
      if (!leads) return;
      place.turnTo(page);
      document.getElementById(heading)?.scrollIntoView();
    }
    return <button type="button" aria-disabled={!leads} aria-label={label} onClick={go}>{sign}</button>;
  };
  return (
    <nav className="pager" aria-label={said.pages}>
      {turn(said.previousPage, '←', Math.min(place.page - 1, pages))}
      <span>{said.page(said.number(place.page), said.number(Math.max(pages, 1)))}</span>
      {turn(said.nextPage, '→', place.page + 1)}
    </nav>
  );
}
