import type { SearchTendersQuery } from '../gql/graphql';
import { useLanguage } from '../language';
import type { ListPlace } from './place';

type Place = NonNullable<NonNullable<SearchTendersQuery['tenders']>['places']>[number];

/** The departments and regions that the words name, each a button that makes it a filter. The button is then removed. */
export function Places({ places, place, then }: { places: Place[]; place: ListPlace; then: () => void }) {
  const said = useLanguage();
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
