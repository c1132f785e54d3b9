import { useLanguage } from '../language';
import type { ListPlace } from './place';

/** The address asks for a department, a buyer or a watch that there is not: trying again would not help. */
export function BadFilter({ place, then }: { place: ListPlace; then: () => void }) {
  const said = useLanguage();
  return (
    <div className="failure" role="alert">
      <p>{said.badFilter}</p>
      <button
        type="button"
        onClick={() => {
          place.clear();
          then();
        }}
      >
        {said.clearFilters}
      </button>
    </div>
  );
}
