Feature: Failure Recovery
  Stakeholders: service providers
  Environment: feature or testnet
  Development: partly, in open merge requests

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
        web: {size: 1 MB, start: 1s, service: {}}
        crasher: {size: 1 MB, start: 1s, service: {fails_after: 10s}}
        job: {size: 1 MB, start: 1s, task: {run: 2m, output: "42"}}
        broken: {size: 1 MB, start: 1s, task: {run: 5s, exit_code: 3}}
        simulation: {size: 1 MB, start: 1s, task: {run: 20m, output: "done"}, checkpoint: {size: 1 MB, every: 1m}}
        writer:
          size: 1 MB
          start: 1s
          task: {run: 2m, output: "saved"}
          checkpoint: {size: 500 MB, every: 30s, pauses: true}
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
        node1: {allocations: [web], ports: [{public: 16501, private: 80, allocation: web}]}
      """
    And the ensemble "job.yaml":
      """
      version: "V1"
      allocations:
        job:
          type: task
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: job}
      nodes:
        node1: {allocations: [job]}
      """
    And the ensemble "pair.yaml":
      """
      version: "V1"
      allocations:
        front: &web
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
        back: *web
      nodes:
        node1: {allocations: [front]}
        node2: {allocations: [back]}
      """

  # Deployments: what becomes of them when their orchestrator is lost.

  Scenario: A deployment is restored after its orchestrator was rebooted
    Given "Alice" has deployed "web.yaml" on "Bob"
    And "Alice" deployment is running
    When the machine of "Alice" crashes and is back after 20 seconds
    And 30 seconds pass
    And "Alice" list deployments
    Then "Alice" should see 1 deployment
    And "Alice" deployment is running
    And allocation "web" has not restarted
    When "Alice" shuts its deployment down
    Then "Alice" deployment is completed
    And within 60 seconds "Bob" holds nothing any more

  Scenario Outline: A deployment goes on after its orchestrator was killed in <status>
    Given "Alice" deploys "web.yaml" on "Bob"
    And "Alice" deployment has just become <status>
    When the DMS process of "Alice" is killed and is back after 20 seconds
    Then within 300 seconds "Alice" deployment is running
    And allocation "web" runs exactly once
    And allocation "web" runs on "Bob"
    When "Alice" shuts its deployment down
    Then "Alice" deployment is completed
    And within 60 seconds "Bob" holds nothing any more

    @W14
    Examples:
      | status    |
      | Preparing |

    Examples:
      | status       |
      | Committing   |
      | Provisioning |

  @W20 @W25
  Scenario: A shutdown that was interrupted is finished after the orchestrator's restart
    Given "Alice" has deployed "pair.yaml" on "Bob"
    And "Alice" deployment is running
    When the machine of "Bob" crashes
    And "Alice" shuts its deployment down
    And the machine of "Alice" crashes and is back after 60 seconds
    And 120 seconds pass
    And the machine of "Bob" is back
    Then within 300 seconds "Bob" holds nothing any more
    And within 60 seconds "Charlie" holds nothing any more
    And within 60 seconds "Dave" holds nothing any more
    And "Alice" deployment is completed

  @W2
  Scenario: A standby orchestrator goes on with the deployments of one that is lost
    Given the following nodes
      | nodes | role | onboarded | org   |
      | Anna  | SP   | false     | nunet |
    And the scenario:
      """
      strategy: {recovery: [hand_over, redeploy]}
      """
    And "Alice" deploys "web.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When the machine of "Alice" crashes
    Then within 180 seconds "Anna" orchestrates the deployment
    And allocation "web" has not restarted
    When the machine of "Host" crashes
    Then within 180 seconds allocation "web" runs elsewhere than on "Host"
    When the machine of "Alice" is back
    And 120 seconds pass
    Then within 0 seconds "Anna" orchestrates the deployment
    And allocation "web" runs exactly once

  @W2
  Scenario: Without a standby orchestrator what is lost after it stays lost
    Given "Alice" deploys "web.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When the machine of "Alice" crashes
    And the machine of "Host" crashes
    Then for 600 seconds allocation "web" does not run anywhere
    When the machine of "Alice" is back
    Then within 180 seconds allocation "web" runs elsewhere than on "Host"

  Scenario: Two orchestrators that both act while they are cut off agree on one afterwards
    Given the following nodes
      | nodes | role | onboarded | org   |
      | Anna  | SP   | false     | nunet |
    And the scenario:
      """
      strategy: {recovery: [hand_over, redeploy]}
      """
    And "Alice" deploys "web.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When a partition separates "Alice" from "everybody else"
    Then within 300 seconds "Anna" orchestrates the deployment
    When 300 seconds pass
    And the partition heals
    Then within 60 seconds allocation "web" runs exactly once
    And allocation "web" runs on "Host"
    And within 0 seconds "Anna" orchestrates the deployment
    And within 60 seconds nobody but "Host" holds anything

  @W24
  Scenario Outline: A provider that is lost in <status> is replaced before the deployment runs
    Given "Alice" deploys "pair.yaml"
    And "Alice" deployment has just become <status>
    And "Host" is the node to which allocation "front" was given
    When the machine of "Host" crashes
    Then within 120 seconds "Alice" deployment is running
    And within 60 seconds allocation "front" runs exactly once
    And allocation "back" runs exactly once
    And allocation "front" does not run on "Host"
    When the machine of "Host" is back
    Then within 60 seconds "Host" holds nothing any more
    And allocation "front" runs exactly once

    Examples:
      | status       |
      | Provisioning |

  @W23
  Scenario: A deployment survives that its orchestrator and its provider restart at the same time
    Given "Alice" has deployed "web.yaml" on "Bob"
    And "Alice" deployment is running
    When the machine of "Bob" crashes and is back after 40 seconds
    And the machine of "Alice" crashes and is back after 45 seconds
    And 600 seconds pass
    Then allocation "web" runs on "Bob"
    And allocation "web" runs exactly once
    And allocation "web" is of the same generation as before
    And "Alice" deployment is running

  @W20
  Scenario: What nobody asks for any more is given up after three hours
    Given "Alice" has deployed "web.yaml" on "Bob"
    And "Alice" deployment is running
    When the machine of "Alice" crashes
    Then for 10000 seconds allocation "web" keeps running on "Bob"
    And within 3000 seconds "Bob" holds nothing any more

  Scenario: A minute in which nobody hears of anybody does no harm
    Given "Alice" deploys "pair.yaml"
    And "Alice" deployment is running
    When 100 % of the messages that "Alice" exchanges are lost
    And 60 seconds pass
    And the network of "Alice" is well again
    Then for 180 seconds "Alice" deployment stays running
    And allocation "front" has not restarted
    And allocation "back" has not restarted
    And "Alice" deployment was not redeployed
    And "Alice" deployment is running

  # Nodes: what becomes of what ran on a provider that is lost.

  @C15
  Scenario: The same allocation reappears after its provider was rebooted
    Given "Alice" has deployed "web.yaml" on "Bob"
    And "Alice" deployment is running
    When the machine of "Bob" crashes and is back after 30 seconds
    Then within 120 seconds allocation "web" has restarted where it was
    And allocation "web" is of the same generation as before
    And "Bob" lists allocation "web" with an execution
    And within 120 seconds "Alice" deployment is running
    And "Alice" deployment was not redeployed
    When "Alice" shuts its deployment down
    Then "Alice" deployment is completed
    And within 60 seconds "Bob" holds nothing any more

  @C15
  Scenario: What runs goes on while the DMS process of its provider restarts
    Given "Alice" has deployed "web.yaml" on "Bob"
    And "Alice" deployment is running
    When the DMS process of "Bob" is killed and is back after 20 seconds
    Then for 60 seconds allocation "web" keeps running on "Bob"
    And "Bob" lists allocation "web" with an execution
    And within 10 seconds users get answers from allocation "web"
    And "Alice" deployment was not redeployed

  @W2 @W20
  Scenario: A provider whose DMS process is gone is replaced, and ends what it still runs when it is back
    Given "Alice" deploys "web.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When the DMS process of "Host" is killed
    Then "Host" is down
    And within 180 seconds allocation "web" runs elsewhere than on "Host"
    And allocation "web" runs on "Host"
    When the DMS process of "Host" is back
    Then "Host" is up
    And within 60 seconds allocation "web" runs exactly once
    And allocation "web" does not run on "Host"
    And within 10 seconds "Host" holds nothing any more

  @W2
  Scenario: A service runs again elsewhere when its provider is lost
    Given the ensemble "free.yaml":
      """
      version: "V1"
      allocations:
        web:
          type: service
          executor: docker
          resources: {cpu: {cores: 6}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
      nodes:
        node1:
          allocations: [web]
          failure_recovery: redeploy
          ports: [{public: 0, private: 80, allocation: web}]
      """
    And "Alice" deploys "free.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When the machine of "Host" crashes
    Then users get no answer from allocation "web"
    And within 180 seconds allocation "web" runs elsewhere than on "Host"
    And within 10 seconds users get answers from allocation "web"
    And allocation "web" is of a later generation than before
    And "Alice" deployment was redeployed
    When the machine of "Host" is back
    Then within 60 seconds allocation "web" runs exactly once
    And within 60 seconds "Host" holds nothing any more

  @W2
  Scenario: A provider that has lost its disk knows nothing of what it had, and another one is found
    Given "Alice" deploys "web.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When the machine of "Host" loses its disk and is back after 30 seconds
    Then within 240 seconds allocation "web" runs elsewhere than on "Host"
    And allocation "web" runs exactly once
    And within 10 seconds "Host" holds nothing any more

  @W2
  Scenario: Only the node that is lost is replaced
    Given "Alice" deploys "pair.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "front" runs
    When the machine of "Host" crashes
    Then within 180 seconds allocation "front" runs elsewhere than on "Host"
    And "Alice" deployment is running
    And allocation "back" has not restarted

  Scenario: What is to stay down does
    Given the scenario:
      """
      strategy: {recovery: stay_down}
      """
    And "Alice" deploys "pair.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "front" runs
    When the machine of "Host" crashes
    Then for 600 seconds allocation "front" does not run anywhere
    And allocation "back" has not restarted
    And "Alice" deployment was not redeployed

  Scenario: A node that is to restart waits for its own provider
    Given the scenario:
      """
      strategy: {recovery: restart}
      """
    And "Alice" deploys "web.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When the machine of "Host" crashes
    Then for 300 seconds allocation "web" does not run anywhere
    When the machine of "Host" is back
    Then within 180 seconds allocation "web" runs on "Host"
    And within 60 seconds allocation "web" runs exactly once

  Scenario: What the ensemble file says goes before the strategy of the network
    Given the scenario:
      """
      strategy: {recovery: redeploy}
      """
    And the ensemble "stubborn.yaml":
      """
      version: "V1"
      allocations:
        web:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
      nodes:
        node1: {allocations: [web], failure_recovery: stay_down}
      """
    And "Alice" deploys "stubborn.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When the machine of "Host" crashes
    Then for 300 seconds allocation "web" does not run anywhere
    And "Alice" deployment was not redeployed

  @W2 @W19
  Scenario: A standby takes over at once, and another one is placed
    Given the ensemble "redundant.yaml":
      """
      version: "V1"
      allocations:
        web:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
      nodes:
        node1:
          allocations: [web]
          redundancy: 1
          failure_recovery: redeploy
          ports: [{public: 0, private: 80, allocation: web}]
      """
    And "Alice" deploys "redundant.yaml"
    And "Alice" deployment is running
    And allocation "web" runs exactly once
    And "Host" is the node on which allocation "web" runs
    When the machine of "Host" crashes
    Then within 130 seconds allocation "web" runs elsewhere than on "Host"
    And within 10 seconds users get answers from allocation "web"
    And within 60 seconds "Alice" deployment is running
    And allocation "web" runs exactly once
    And "Standby" is the node on which allocation "web" runs
    When the machine of "Standby" crashes
    Then within 130 seconds allocation "web" runs elsewhere than on "Standby"

  @W2
  Scenario: A spare is prepared for a provider that is suspected, and given back when it was well
    Given the scenario:
      """
      strategy: {recovery: migration, detector: {fixed: {period: 10s, timeout: 2m}}}
      """
    And "Alice" deploys "web.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When a partition separates "Host" from "everybody else"
    And 80 seconds pass
    Then "Alice" deployment was redeployed
    And allocation "web" has not restarted
    When the partition heals
    Then within 60 seconds nobody but "Host" holds anything
    And allocation "web" has not restarted
    And allocation "web" was never suspected
    When the machine of "Host" crashes
    Then within 140 seconds allocation "web" runs elsewhere than on "Host"

  @W2
  Scenario: What the network insists on goes before the ensemble file
    Given the scenario:
      """
      strategy: {recovery: redeploy, force_recovery: true}
      """
    And the ensemble "stubborn.yaml":
      """
      version: "V1"
      allocations:
        web:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
      nodes:
        node1: {allocations: [web], failure_recovery: stay_down}
      """
    And "Alice" deploys "stubborn.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "web" runs
    When the machine of "Host" crashes
    Then within 180 seconds allocation "web" runs elsewhere than on "Host"

  @W22
  Scenario: A provider that cannot fetch an image is left for another
    Given image servers cannot be reached from "Bob"
    And image servers cannot be reached from "Charlie"
    When "Alice" deploys "web.yaml"
    Then within 110 seconds "Alice" deployment is running
    And allocation "web" runs on "Dave"
    And within 60 seconds nobody but "Dave" holds anything

  @W22
  Scenario: A provider whose disk is full is left for another
    Given the disk of "Bob" is full
    And the disk of "Dave" is full
    When "Alice" deploys "web.yaml"
    Then within 110 seconds "Alice" deployment is running
    And allocation "web" runs on "Charlie"

  Scenario Outline: A deployment waits for its only provider until that <again>
    Given <broken> "Bob" <how>
    And "Alice" has deployed "web.yaml" on "Bob"
    When 40 seconds pass
    Then allocation "web" does not run anywhere
    When <mended> "Bob" <again>
    Then within 65 seconds "Alice" deployment is running
    And allocation "web" runs on "Bob"
    And "Bob" holds something

    Examples:
      | broken         | how     | mended         | again          |
      | the disk of    | is full | the disk of    | has room again |
      | the machine of | crashes | the machine of | is back        |

  Scenario: A deployment waits until its image can be fetched
    Given image servers cannot be reached from "Bob"
    And "Alice" has deployed "web.yaml" on "Bob"
    When 40 seconds pass
    Then allocation "web" does not run anywhere
    When image servers can be reached again from "Bob"
    Then within 65 seconds "Alice" deployment is running
    And allocation "web" runs on "Bob"

  Scenario: A deployment fails while the clock of its provider is wrong, and not afterwards
    Given the clock of "Bob" is set 3600 seconds ahead
    When "Alice" has deployed "web.yaml" on "Bob"
    Then "Alice" deployment should fail
    When 120 seconds pass
    And the clock of "Bob" is right again
    And "Alice" has deployed "web.yaml" on "Bob"
    Then "Alice" deployment is running
    And within 10 seconds users get answers from allocation "web"

  @W19
  Scenario: A provider that runs nothing of what it is paid for is outvoted
    Given the scenario:
      """
      strategy: {recovery: [redeploy, {replication: {copies: 2, majority: 2}}]}
      """
    And "Bob" runs nothing and says that it does
    When "Alice" deploys "job.yaml"
    Then within 600 seconds "Alice" deployment is completed
    And "Alice" ensemble should return "42"

  # Allocations: what becomes of tasks that fail or whose results cannot be believed.

  Scenario: A task that was killed with its executor is tried again
    Given the scenario:
      """
      strategy: {recovery: [redeploy, {retry: {attempts: 2, first: 5s, longest: 10s}}]}
      """
    And "Alice" deploys "job.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "job" runs
    When the executor of "Host" crashes
    Then within 60 seconds allocation "job" runs
    And within 180 seconds "Alice" deployment is completed
    And "Alice" ensemble should return "42"
    And allocation "job" has been placed and started 2 times

  Scenario: A task that is not to be tried again has failed for good
    Given "Alice" has deployed "job.yaml" on "Bob"
    And "Alice" deployment is running
    When the executor of "Bob" crashes
    Then "Alice" deployment ends because "1 of 1 allocations failed"
    And allocation "job" has been placed and started 1 time

  Scenario: A task that always fails is tried as often as is allowed
    Given the scenario:
      """
      strategy: {recovery: [redeploy, {retry: {attempts: 3, first: 5s, longest: 10s}}]}
      """
    And the ensemble "broken.yaml":
      """
      version: "V1"
      allocations:
        job:
          type: task
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: broken}
      nodes:
        node1: {allocations: [job]}
      """
    And "Alice" deploys "broken.yaml"
    Then "Alice" deployment ends because "1 of 1 allocations failed"
    And allocation "job" has been placed and started 4 times
    And within 60 seconds "Bob" holds nothing any more

  @W12
  Scenario: A task goes on from its last checkpoint after its provider was rebooted
    Given the ensemble "simulation.yaml":
      """
      version: "V1"
      allocations:
        simulation:
          type: task
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: simulation}
          volume: [{type: local, src: state, mount_destination: /state}]
      nodes:
        node1: {allocations: [simulation], failure_recovery: restart}
      """
    And the scenario:
      """
      strategy: {recovery: [restart, {checkpoint: {every: 1m}}]}
      """
    And "Alice" has deployed "simulation.yaml" on "Bob"
    And "Alice" deployment is running
    And 15 minutes pass
    When the machine of "Bob" crashes and is back after 30 seconds
    Then within 120 seconds allocation "simulation" has restarted where it was
    And within 480 seconds "Alice" deployment is completed

  @W12
  Scenario: A task whose disk is slow takes longer for its checkpoints, and completes
    Given the ensemble "writer.yaml":
      """
      version: "V1"
      allocations:
        writer:
          type: task
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: writer}
          volume: [{type: local, src: state, mount_destination: /state}]
      nodes:
        node1: {allocations: [writer]}
      """
    And the disk of "Bob" is 50 times slower
    And "Alice" has deployed "writer.yaml" on "Bob"
    And "Alice" deployment is running
    When 150 seconds pass
    Then allocation "writer" runs on "Bob"
    When the disk of "Bob" is as fast as before
    Then within 240 seconds "Alice" deployment is completed
    And "Alice" ensemble should return "saved"
    And allocation "writer" has been placed and started 1 time

  @W19
  Scenario: The result of another copy is there when the provider of one is lost
    Given the scenario:
      """
      strategy: {recovery: [redeploy, {replication: {copies: 2}}]}
      """
    And "Alice" deploys "job.yaml"
    And "Alice" deployment is running
    And "Host" is the node on which allocation "node1.job" runs
    And 60 seconds pass
    When the machine of "Host" crashes
    Then within 70 seconds "Alice" deployment is completed
    And within 60 seconds nobody but "Host" holds anything

  @W19
  Scenario: A vote finds the right result although one provider lies
    Given the scenario:
      """
      strategy: {recovery: [redeploy, {replication: {copies: 2, majority: 2}}]}
      """
    And "Alice" deploys "job.yaml"
    And "Alice" deployment is running
    When "Bob" tells wrong results
    Then within 600 seconds "Alice" deployment is completed
    And "Alice" ensemble should return "42"

  Scenario: Without a vote the result of a provider that lies is believed
    Given "Alice" has deployed "job.yaml" on "Bob"
    And "Alice" deployment is running
    When "Bob" tells wrong results
    Then within 300 seconds "Alice" deployment is completed
    And "Alice" ensemble should not return "42"

  Scenario: Who is caught telling a wrong result gets no more work
    Given the scenario:
      """
      strategy: {recovery: [redeploy, {spot_check: {share: 100%}}]}
      """
    And "Alice" deploys "job.yaml"
    And "Alice" deployment is running
    And "Liar" is the node on which allocation "job" runs
    When "Liar" tells wrong results
    Then within 600 seconds "Alice" deployment is completed
    And "Alice" ensemble should return "42"
    And allocation "job" has been placed and started 2 times
    When "Liar" tells right results again
    And "Alice" restarts DMS
    And "Alice" deploys "job.yaml" on "Liar"
    Then "Alice" deployment should fail

  # Ensembles: what becomes of all of it when restarting a part does not help.

  @W2
  Scenario: An ensemble that cannot be kept running is torn down where its file says so
    Given the ensemble "doomed.yaml":
      """
      version: "V1"
      escalation_strategy: teardown
      allocations:
        crasher:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: crasher}
          failure_recovery: one_for_one
        web:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: web}
      nodes:
        node1: {allocations: [crasher], failure_recovery: redeploy}
        node2: {allocations: [web]}
      supervisor: {strategy: OneForOne, allocations: [crasher, web]}
      """
    And "Alice" deploys "doomed.yaml"
    And "Alice" deployment is running
    Then within 300 seconds allocation "web" does not run anywhere
    And within 60 seconds "Bob" holds nothing any more
    And within 60 seconds "Charlie" holds nothing any more
    And within 60 seconds "Dave" holds nothing any more
