Feature: Supervision
  Stakeholders: service providers, resource providers
  Environment: feature or testnet
  Development: not implemented

  Background:
    Given the following nodes
      | nodes   | role | onboarded | org   |
      | Alice   | SP   | false     | nunet |
      | Bob     | CP   | true      | nunet |
      | Charlie | CP   | true      | nunet |
      | Dave    | CP   | true      | nunet |
    And the scenario:
      """
      images:
        web: {size: 1 MB, start: 1s, service: {health: "ok", answers_after: 500ms}}
        sick: {size: 1 MB, start: 1s, service: {health: "sick"}}
        crasher: {size: 1 MB, start: 1s, service: {fails_after: 100s}}
        doomed: {size: 1 MB, start: 1s, service: {fails_after: 10s}}
        job: {size: 1 MB, start: 1s, task: {run: 2m, output: "42"}}
        broken: {size: 1 MB, start: 1s, task: {run: 30s, exit_code: 3}}
      """
    And the ensemble "web.yaml":
      """
      version: "V1"
      allocations:
        web:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
      nodes:
        node1: {allocations: [web], ports: [{public: 0, private: 80, allocation: web}]}
      """
    And the ensemble "checked.yaml":
      """
      version: "V1"
      allocations:
        web:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
          healthcheck: {type: http, endpoint: "http://localhost/", response: {type: string, value: ok}, interval: 30s}
        other:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
      nodes:
        node1: {allocations: [other, web], ports: [{public: 0, private: 80, allocation: web}]}
      """

  # Health checks: what a program says of itself.

  Scenario: The third health check in a row that fails restarts the allocation, and it alone
    Given "Alice" deploys "checked.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When programs on "Host" are 20 times slower for 100 seconds
    And 60 seconds pass
    Then allocation "web" has not restarted
    And within 60 seconds allocation "web" has restarted where it was
    And allocation "other" has not restarted
    And within 30 seconds users get answers from allocation "web"
    And "Alice" deployment was not redeployed

  Scenario: A health check that fails twice and passes again restarts nothing
    Given "Alice" deploys "checked.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When programs on "Host" are 20 times slower for 55 seconds
    And 180 seconds pass
    Then allocation "web" has not restarted
    And allocation "web" was never suspected

  Scenario: A service that serves nobody and says that it is well is found by its users alone
    Given "Alice" deploys "checked.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When what runs on "Host" serves nobody and says that it is well for 300 seconds
    Then users get no answer from allocation "web"
    And for 290 seconds allocation "web" keeps running on "Host"
    And allocation "web" was never suspected
    And within 20 seconds users get answers from allocation "web"

  # Ends: what becomes of an allocation that ends by itself, and of those beside it.

  @W2 @W26
  Scenario: A service that ends by itself has failed, and is restarted
    Given the ensemble "crasher.yaml":
      """
      version: "V1"
      allocations:
        crasher:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: crasher}
          failure_recovery: one_for_one
        web: &web
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
      nodes:
        node1: {allocations: [crasher, web]}
      """
    And "Alice" deploys "crasher.yaml"
    And "Alice" deployment is running
    When it is noted what runs
    Then within 110 seconds allocation "crasher" is suspected
    And within 20 seconds allocation "crasher" has restarted where it was
    And allocation "web" has not restarted
    And "Alice" deployment is running

  @W2 @W12 @W26
  Scenario: A service that is to stay down when it ends does, and the others go on
    Given the ensemble "crasher.yaml":
      """
      version: "V1"
      allocations:
        crasher:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: crasher}
          failure_recovery: stay_down
        web:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
      nodes:
        node1: {allocations: [crasher, web]}
      """
    And "Alice" deploys "crasher.yaml"
    And "Alice" deployment is running
    When it is noted what runs
    Then within 110 seconds allocation "crasher" does not run anywhere
    And for 200 seconds allocation "crasher" does not run anywhere
    And allocation "web" has not restarted
    And "Alice" sees allocation "crasher" as failed

  @W2
  Scenario Outline: What restarts with a service of a node that fails is what its file says: <recovery>
    Given the ensemble "group.yaml":
      """
      version: "V1"
      allocations:
        first: &web
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
        crasher:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: crasher}
          failure_recovery: <recovery>
        last: *web
        far: *web
      nodes:
        node1: {allocations: [first, crasher, last]}
        node2: {allocations: [far]}
      """
    And "Alice" deploys "group.yaml"
    And "Alice" deployment is running
    When it is noted what runs
    And 90 seconds pass
    Then within 30 seconds allocation "crasher" has restarted where it was
    And 10 seconds pass
    And allocation "first" <first>
    And allocation "last" <last>
    And allocation "far" has not restarted

    Examples:
      | recovery     | first             | last              |
      | one_for_one  | has not restarted | has not restarted |
      | rest_for_one | has not restarted | has restarted     |
      | one_for_all  | has restarted     | has restarted     |

  @W26
  Scenario: A task that fails ends its deployment, which says so
    Given the ensemble "broken.yaml":
      """
      version: "V1"
      allocations:
        broken:
          type: task
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: broken}
        job:
          type: task
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: job}
      nodes:
        node1: {allocations: [broken, job]}
      """
    And "Alice" deploys "broken.yaml"
    And "Alice" deployment is running
    Then within 60 seconds allocation "broken" does not run anywhere
    And "Alice" sees allocation "broken" as failed
    And allocation "job" runs exactly once
    And "Alice" deployment ends because "1 of 2 allocations failed"
    And allocation "broken" has been placed and started 1 time

  Scenario Outline: An executor that restarts by itself is faster than the supervisor: <policy>
    Given the ensemble "own.yaml":
      """
      version: "V1"
      allocations:
        crasher:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: crasher, restart_policy: <policy>}
          failure_recovery: stay_down
      nodes:
        node1: {allocations: [crasher]}
      """
    And "Alice" deploys "own.yaml"
    And "Alice" deployment is running
    When it is noted what runs
    And 90 seconds pass
    Then within 20 seconds allocation "crasher" has restarted where it was
    And allocation "crasher" was never suspected

    Examples:
      | policy     |
      | always     |
      | on-failure |

  @W2
  Scenario: All that runs in an executor that crashes is restarted by its supervisor
    Given "Alice" deploys "checked.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When the executor of "Host" crashes
    Then allocation "web" does not run anywhere
    And within 30 seconds allocation "web" has restarted where it was
    And within 30 seconds allocation "other" has restarted where it was
    And within 30 seconds users get answers from allocation "web"
    And "Alice" deployment was not redeployed

  # Trees: supervisors over groups of allocations, whatever nodes they are on.

  @W2
  Scenario Outline: A supervisor restarts its group over two nodes: <strategy>
    Given the ensemble "tree.yaml":
      """
      version: "V1"
      allocations:
        first: &web
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
        crasher:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: crasher}
        last: *web
        apart: *web
      nodes:
        node1: {allocations: [first, crasher, apart]}
        node2: {allocations: [last]}
      supervisor:
        strategy: OneForOne
        children:
          - {strategy: <strategy>, allocations: [first, crasher, last]}
          - {strategy: OneForOne, allocations: [apart]}
      """
    And "Alice" deploys "tree.yaml"
    And "Alice" deployment is running
    When it is noted what runs
    And 90 seconds pass
    Then within 30 seconds allocation "crasher" has restarted where it was
    And 10 seconds pass
    And allocation "first" <first>
    And allocation "last" <last>
    And allocation "apart" has not restarted

    Examples:
      | strategy   | first             | last              |
      | OneForOne  | has not restarted | has not restarted |
      | RestForOne | has not restarted | has restarted     |
      | AllForOne  | has restarted     | has restarted     |

  @W2 @W26
  Scenario: What follows a lost node in the group of its supervisor restarts
    Given the ensemble "chain.yaml":
      """
      version: "V1"
      allocations:
        db: &web
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
        page: *web
        apart: *web
      nodes:
        node1: {allocations: [db]}
        node2: {allocations: [page, apart]}
      supervisor:
        strategy: OneForOne
        allocations: [apart]
        children:
          - {strategy: RestForOne, allocations: [db, page]}
      """
    And "Alice" deploys "chain.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "db" runs
    When the machine of "Host" crashes
    Then within 180 seconds allocation "db" runs elsewhere than on "Host"
    And within 30 seconds allocation "page" has restarted where it was
    And allocation "apart" has not restarted

  @W2
  Scenario: A supervisor that restarts too often is restarted by the one above it, with its siblings
    Given the ensemble "deep.yaml":
      """
      version: "V1"
      allocations:
        doomed:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: doomed}
        sibling:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
      nodes:
        node1: {allocations: [doomed]}
        node2: {allocations: [sibling]}
      supervisor:
        strategy: AllForOne
        children:
          - {strategy: OneForOne, allocations: [doomed]}
          - {strategy: OneForOne, allocations: [sibling]}
      """
    And "Alice" deploys "deep.yaml"
    And "Alice" deployment is running
    When it is noted what runs
    Then within 15 seconds allocation "doomed" has restarted where it was
    And allocation "sibling" has not restarted
    And within 60 seconds allocation "sibling" has restarted where it was
    And "Alice" deployment was not redeployed

  # Escalation: what is done when restarting does not help.

  @W2
  Scenario: The fourth restart within five minutes has the node placed anew
    Given the ensemble "doomed.yaml":
      """
      version: "V1"
      allocations:
        doomed:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: doomed}
          failure_recovery: one_for_one
      nodes:
        node1: {allocations: [doomed], failure_recovery: redeploy}
      """
    And "Alice" deploys "doomed.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "doomed" runs
    When it is noted what runs
    And 30 seconds pass
    Then "Alice" deployment was not redeployed
    And within 60 seconds allocation "doomed" runs elsewhere than on "Host"
    And "Alice" deployment was redeployed
    And allocation "doomed" is of a later generation than before
    And within 60 seconds "Host" holds nothing any more

  @W2
  Scenario Outline: A deployment whose nodes keep beginning anew ends as its file says: <strategy>
    Given the ensemble "doomed.yaml":
      """
      version: "V1"
      escalation_strategy: <strategy>
      allocations:
        doomed:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: doomed}
        web:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
      nodes:
        node1: {allocations: [doomed]}
        node2: {allocations: [web]}
      supervisor: {strategy: OneForOne, allocations: [doomed, web]}
      """
    And "Alice" deploys "doomed.yaml"
    And "Alice" deployment is running
    When it is noted what runs
    And 75 seconds pass
    Then <outcome>

    Examples:
      | strategy | outcome                                                           |
      | redeploy | allocation "web" is of a later generation than before             |
      | teardown | within 60 seconds allocation "web" does not run anywhere          |

  # Detectors: how it is noticed that a provider is lost, and that it is not.

  @W2
  Scenario Outline: A provider that is silent is suspected by <name>, and not before
    Given the scenario:
      """
      strategy: {detector: <detector>}
      """
    And "Alice" deploys "web.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When 60 seconds pass
    And the machine of "Host" crashes
    And <before> seconds pass
    Then allocation "web" was never suspected
    And within <after> seconds allocation "web" is suspected
    And within 60 seconds allocation "web" runs elsewhere than on "Host"

    Examples:
      | name                    | detector                                                      | before | after |
      | DMS's own ticks         | dms                                                           | 59     | 62    |
      | a fixed timeout         | {fixed: {period: 5s, timeout: 20s}}                           | 14     | 7     |
      | phi of its silence      | {phi: {period: 5s, threshold: 8}}                             | 4      | 40    |
      | others that were asked  | {swim: {period: 5s, timeout: 1s, helpers: 2, suspicion: 20s}} | 19     | 30    |

  @W2 @W20
  Scenario: A machine that is frozen for long is taken for lost, and its allocation ends when it goes on
    Given "Alice" deploys "web.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When the machine of "Host" is frozen for 300 seconds
    Then within 125 seconds allocation "web" is suspected
    And within 60 seconds allocation "web" runs elsewhere than on "Host"
    When 200 seconds pass
    Then within 60 seconds allocation "web" runs exactly once
    And within 10 seconds "Host" holds nothing any more

  Scenario: A machine that is frozen for a minute is not missed
    Given "Alice" deploys "web.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When the machine of "Host" is frozen for 50 seconds
    And 180 seconds pass
    Then allocation "web" was never suspected
    And allocation "web" has not restarted

  @W2 @W20
  Scenario: A provider that was only cut off has its allocation ended when it is heard again
    Given "Alice" deploys "web.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When a partition separates "Host" from "Alice"
    Then within 125 seconds allocation "web" is suspected
    And within 60 seconds allocation "web" runs elsewhere than on "Host"
    And allocation "web" runs on "Host"
    When the partition heals
    Then within 60 seconds allocation "web" runs exactly once
    And allocation "web" does not run on "Host"
    And within 10 seconds "Host" holds nothing any more
    And allocation "web" is of a later generation than before

  Scenario: A provider that others still hear is not suspected by those who ask them
    Given the scenario:
      """
      strategy: {detector: {swim: {period: 5s, timeout: 1s, helpers: 3, suspicion: 20s}}}
      """
    And "Alice" deploys "web.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When a partition separates "Host" from "Alice"
    And 240 seconds pass
    Then allocation "web" was never suspected
    And allocation "web" has not restarted

  Scenario: Heartbeats that are lost or late now and then harm nobody
    Given "Alice" deploys "web.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When the messages that "Host" sends take 2000 ms longer
    And 100 % of the messages that "Host" sends are lost
    And 25 seconds pass
    And the network of "Host" is well again
    And 60 seconds pass
    And 100 % of the messages that "Host" gets are lost
    And 25 seconds pass
    And the network of "Host" is well again
    Then for 180 seconds allocation "web" keeps running on "Host"
    And allocation "web" has not restarted
    And allocation "web" was never suspected
    And "Alice" deployment was not redeployed

  # Order: what depends on something else starts after it.

  Scenario: What depends on another allocation starts after it
    Given the ensemble "ordered.yaml":
      """
      version: "V1"
      allocations:
        page:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
          depends_on: [api]
        api:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
          depends_on: [db]
        db:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
      nodes:
        node1: {allocations: [page, api, db]}
      """
    And "Alice" deploys "ordered.yaml"
    When "Alice" deployment is running
    Then allocation "db" started before allocation "api"
    And allocation "api" started before allocation "page"
