import { Component, type ReactNode } from 'react';
import { LanguageContext } from './language';

/** Shows what is in it; if that breaks, it says so, and the rest of the page stays. */
export class Boundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  static contextType = LanguageContext;
  declare context: React.ContextType<typeof LanguageContext>;
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <div className="wide">
        <div className="failure" role="alert">
          <p>{this.context.broken}</p>
          <button type="button" onClick={() => location.reload()}>{this.context.reload}</button>
        </div>
      </div>
    );
  }
}
