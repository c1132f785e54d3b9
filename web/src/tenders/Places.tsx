import type { SearchTendersQuery } from '../gql/search';
import type { ListPlace } from './place';
import { useSearchWords } from '../words/search';

type Place = NonNullable<NonNullable<SearchTendersQuery['tenders']>['places']>[number];

/** The departments and regions that the words name, each a button that makes it a filter. The button is then removed. */
export function Places({ places, place, then }: { places: Place[]; place: ListPlace; then: () => void }) {
  const said = useSearchWords();
  if (places.length === 0) return null;
  return (
    <div className="places" role="group" aria-labelledby="places">
      <span id="places">{said.onlyIn}</span>
      {places.map(({ name, departmentCodes, rest }) => (
        <button
          key={name}
          type="button"
          onClick={() => {
            place.within(departmentCodes, rest);
            then();
          }}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
